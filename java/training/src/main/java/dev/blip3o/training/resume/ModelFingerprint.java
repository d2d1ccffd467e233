package dev.blip3o.training.resume;

import dev.blip3o.training.checkpoint.CheckpointFolder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * Tells models apart without reading gigabytes: the SHA-256 of the names and sizes of a folder's
 * safetensors files and of what is in them; of files above 64 MiB every 64th block of 64 KiB, the
 * first one, with the header, included. Training changes every matrix, so that another state of the
 * same model differs too.
 */
public final class ModelFingerprint {
  private static final int BLOCK = 1 << 16;
  private static final long STRIDE = 64L * BLOCK;
  private static final long READ_WHOLE = 64L << 20;

  private ModelFingerprint() {}

  /**
   * The fingerprint of a model, 64 hexadecimal digits.
   *
   * @param folder the checkpoint; its folder {@code training} doesn't count
   * @throws ResumeException if it can't be read or holds no weights
   */
  public static String of(Path folder) {
    try {
      List<Path> files = weights(folder);
      if (files.isEmpty()) {
        throw new ResumeException(folder + " is no model: it holds no safetensors file");
      }
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (Path file : files) {
        String line = folder.relativize(file) + " " + Files.size(file) + "\n";
        digest.update(line.getBytes(StandardCharsets.UTF_8));
        add(digest, file);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (IOException e) {
      throw new ResumeException(folder + ": can't be read: " + e.getMessage(), e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private static List<Path> weights(Path folder) throws IOException {
    Path training = folder.resolve(CheckpointFolder.TRAINING);
    try (Stream<Path> files = Files.walk(folder, FileVisitOption.FOLLOW_LINKS)) {
      return files
          .filter(file -> file.toString().endsWith(".safetensors") && !file.startsWith(training))
          .sorted()
          .toList();
    }
  }

  private static void add(MessageDigest digest, Path file) throws IOException {
    ByteBuffer block = ByteBuffer.allocate(BLOCK);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long stride = channel.size() > READ_WHOLE ? STRIDE : BLOCK;
      for (long begin = 0; begin < channel.size(); begin += stride) {
        block.clear();
        int count = 0;
        while (count >= 0 && block.hasRemaining()) {
          count = channel.read(block, begin + block.position());
        }
        digest.update(block.flip());
      }
    }
  }
}
