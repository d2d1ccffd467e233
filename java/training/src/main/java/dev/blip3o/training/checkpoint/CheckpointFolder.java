package dev.blip3o.training.checkpoint;

import dev.blip3o.OutputException;
import dev.blip3o.WeightTensor;
import dev.blip3o.WeightType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * Writes a checkpoint in the public layout: a copy of another one's folder in which some tensors
 * have new values. Each file keeps its header, so that the layout is the same to the byte.
 *
 * <p>The folder is written under a hidden name beside its place, forced to disk and moved there: it
 * appears whole or not at all.
 */
public final class CheckpointFolder {
  /** The folder inside a checkpoint that holds what training needs to go on; it is not copied. */
  public static final String TRAINING = "training";

  private static final String TENSORS = ".safetensors";

  private CheckpointFolder() {}

  /** Puts further files into a checkpoint before it appears. */
  @FunctionalInterface
  public interface Extras {
    /**
     * Writes them.
     *
     * @param folder {@link #TRAINING} inside the checkpoint, which exists and is empty
     * @throws IOException if that is impossible; then no checkpoint appears
     */
    void write(Path folder) throws IOException;
  }

  /**
   * Writes a checkpoint. One that is there is replaced once the new one is whole.
   *
   * @param source the folder to copy; its files stay as they are
   * @param target where the checkpoint appears; its parent exists; not inside {@code source}
   * @param changed new values of tensors of {@code source}, with their type and shape there
   * @param extras further files
   * @throws OutputException if it can't be written; what was there before is untouched
   * @throws CheckpointFileException if {@code source} has no such tensor, or has it otherwise
   */
  public static void write(Path source, Path target, List<WeightTensor> changed, Extras extras) {
    if (target.toAbsolutePath().normalize().startsWith(source.toAbsolutePath().normalize())) {
      throw new OutputException(
          "can't write the checkpoint " + target + " inside of " + source + ", which it copies");
    }
    Path hidden = target.resolveSibling("." + UUID.randomUUID() + ".tmp");
    try {
      Files.createDirectory(hidden);
      copy(source, hidden, changed);
      extras.write(Files.createDirectory(hidden.resolve(TRAINING)));
      forceAll(hidden);
      replace(hidden, target);
    } catch (IOException e) {
      throw failure(target, e);
    } catch (UncheckedIOException e) {
      throw failure(target, e.getCause());
    } finally {
      deleteQuietly(hidden);
    }
  }

  /**
   * The types of a checkpoint's tensors, by name; those of none of {@link WeightType} are left out.
   *
   * @throws CheckpointFileException if a file can't be read or is malformed
   */
  public static Map<String, WeightType> types(Path source) {
    Map<String, WeightType> types = new HashMap<>();
    try (Stream<Path> files = Files.walk(source, FileVisitOption.FOLLOW_LINKS)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        boolean ofTraining = source.relativize(file).startsWith(TRAINING);
        if (!ofTraining && file.toString().endsWith(TENSORS)) {
          types.putAll(SafetensorsFile.open(file).types());
        }
      }
    } catch (IOException | UncheckedIOException e) {
      throw new CheckpointFileException(source + ": can't be read: " + e.getMessage(), e);
    }
    return types;
  }

  private static void copy(Path source, Path to, List<WeightTensor> changed) throws IOException {
    Map<String, WeightTensor> left = new HashMap<>();
    changed.forEach(tensor -> left.put(tensor.name(), tensor));
    Set<String> written = new HashSet<>();
    try (Stream<Path> files = Files.walk(source, FileVisitOption.FOLLOW_LINKS)) {
      for (Path file : (Iterable<Path>) files.skip(1)::iterator) {
        Path relative = source.relativize(file);
        if (relative.startsWith(TRAINING)) {
          continue;
        }
        Path copy = to.resolve(relative.toString());
        if (Files.isDirectory(file)) {
          Files.createDirectory(copy);
        } else {
          Files.copy(file, copy);
          written.addAll(file.toString().endsWith(TENSORS) ? patch(file, copy, left) : Set.of());
        }
      }
    }
    left.keySet().removeAll(written);
    if (!left.isEmpty()) {
      throw new CheckpointFileException(
          source + " has no tensor '" + left.keySet().iterator().next() + "' that could change");
    }
  }

  /** Writes the changed tensors of a file into its copy. Returns their names. */
  private static Set<String> patch(Path file, Path copy, Map<String, WeightTensor> changed)
      throws IOException {
    SafetensorsFile tensors = SafetensorsFile.open(file);
    Set<String> written = new HashSet<>(tensors.names());
    written.retainAll(changed.keySet());
    try (FileChannel channel = FileChannel.open(copy, StandardOpenOption.WRITE)) {
      for (String name : written) {
        SafetensorsFile.Entry entry = tensors.entry(name).orElseThrow();
        WeightTensor tensor = changed.get(name);
        checkSame(file, entry, tensor);
        ByteBuffer data = tensor.data();
        channel.position(tensors.dataStart() + entry.begin());
        SafetensorsWriter.writeAll(channel, data);
      }
    }
    return written;
  }

  private static void checkSame(Path file, SafetensorsFile.Entry entry, WeightTensor tensor) {
    if (!entry.type().equals(tensor.type().name())
        || !Arrays.equals(entry.sizes(), tensor.shape())) {
      throw new CheckpointFileException(
          String.format(
              "%s: the tensor '%s' must be %s %s, but is %s %s",
              file,
              tensor.name(),
              entry.type(),
              entry.shape(),
              tensor.type(),
              Arrays.toString(tensor.shape())));
    }
  }

  private static void forceAll(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        // A folder's own entry is forced by its channel too, on Linux.
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
          channel.force(true);
        }
      }
    }
  }

  private static void replace(Path hidden, Path target) throws IOException {
    if (Files.exists(target)) {
      Path old = target.resolveSibling("." + UUID.randomUUID() + ".old");
      Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
      Files.move(hidden, target, StandardCopyOption.ATOMIC_MOVE);
      deleteQuietly(old);
    } else {
      Files.move(hidden, target, StandardCopyOption.ATOMIC_MOVE);
    }
    Path parent = target.toAbsolutePath().getParent();
    try (FileChannel channel = FileChannel.open(parent, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** What can't be deleted is hidden and does no harm but take room. */
  private static void deleteQuietly(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).forEach(CheckpointFolder::deleteOne);
    } catch (IOException | UncheckedIOException e) {
      return;
    }
  }

  private static void deleteOne(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static OutputException failure(Path target, IOException e) {
    Path parent = target.toAbsolutePath().getParent();
    String reason = e.getMessage();
    if (!Files.isDirectory(parent)) {
      reason = "there is no directory " + parent + "; create it first";
    } else if (e instanceof AccessDeniedException) {
      reason = "no permission to write in " + parent;
    }
    return new OutputException(
        "can't write the checkpoint " + target + ": " + reason + "; earlier ones are untouched", e);
  }
}
