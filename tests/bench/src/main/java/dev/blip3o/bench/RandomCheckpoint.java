package dev.blip3o.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Writes a checkpoint of the public layout with random BF16 weights, by default of the public 3B
 * model's sizes (about 9 GB). It holds what text to image and editing need; the same seed and sizes
 * give the same bytes. Its pictures are noise: it is for measuring and for tests of unusual sizes.
 */
public final class RandomCheckpoint {
  private static final String USAGE =
      """
      usage: RandomCheckpoint DIRECTORY [--seed N] [--shard-mib N] [--separate-lm-head] [sizes]
        sizes, each with the public model's value when absent:
          --text-vocabulary N --codes N --hidden N --layers N --heads N --kv-heads N --head-dim N
          --intermediate N --max-positions N --image-size N --image-patch N
          --vision-hidden N --vision-heads N --vision-layers N --vision-intermediate N
          --code-width N
          --sana-layers N --attention-heads N --attention-head-dim N --cross-heads N
          --cross-head-dim N --caption N --latent-channels N --sample-size N
          --decoder-channels N,N,... --decoder-layers N,N,... --encoder-layers N,N,...
          --transformer-stages N --decoder-head-dim N
      """;

  private static final long SPARE_DISK_BYTES = 64L << 20;

  private RandomCheckpoint() {}

  /** The command line; exit codes: 0, 2 for wrong usage, 1 for a failed run. */
  public static void main(String[] args) {
    try {
      Set<String> named = new HashSet<>(CheckpointSizes.OPTIONS);
      named.addAll(Set.of("seed", "shard-mib"));
      Options options = Options.parse(args, named, Set.of("separate-lm-head"));
      if (options.plain().size() != 1) {
        throw new Options.UsageException("one directory is needed");
      }
      Path directory = Path.of(options.plain().get(0));
      long start = System.nanoTime();
      long bytes =
          write(
              directory,
              CheckpointSizes.from(options),
              options.longInteger("seed", 0),
              options.longInteger("shard-mib", 4096) << 20);
      System.out.printf(
          "%s: %.2f GB of weights in %.1f s%n",
          directory, bytes / 1e9, (System.nanoTime() - start) / 1e9);
    } catch (Options.UsageException e) {
      System.err.println(e.getMessage());
      System.err.print(USAGE);
      System.exit(2);
    } catch (IOException e) {
      System.err.println("random checkpoint: " + e.getMessage());
      System.exit(1);
    }
  }

  /**
   * Writes the checkpoint.
   *
   * @param directory must be absent or empty
   * @param shardBytes largest size of one safetensors file that holds more than one tensor
   * @return bytes of weights
   * @throws IOException when the directory isn't empty, the disk is too small or a write fails
   */
  static long write(Path directory, CheckpointSizes sizes, long seed, long shardBytes)
      throws IOException {
    Files.createDirectories(directory);
    try (var entries = Files.list(directory)) {
      if (entries.findAny().isPresent()) {
        throw new IOException(directory + " is not empty: give a new directory");
      }
    }
    List<CheckpointTensors.Spec> specs = CheckpointTensors.of(sizes);
    long bytes = SafetensorsWriter.bytes(specs);
    long free = Files.getFileStore(directory).getUsableSpace();
    if (free < bytes + SPARE_DISK_BYTES) {
      throw new IOException(
          String.format(
              "%s: the checkpoint needs %d MiB of disk, %d MiB are free",
              directory, (bytes + SPARE_DISK_BYTES) >> 20, free >> 20));
    }
    CheckpointConfigs.write(directory, sizes);
    Files.writeString(directory.resolve("tokenizer.json"), TokenizerFile.json(sizes));
    new SafetensorsWriter(directory, new RandomValues(seed)).write(specs, shardBytes);
    return bytes;
  }
}
