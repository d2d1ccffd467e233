package dev.blip3o;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.UUID;

/**
 * A file that appears whole or not at all: it is written beside its place under a hidden name and
 * moved there when all of it is on disk.
 *
 * <p>{@link #at} checks that the place can be written, so call it before long work:
 *
 * <pre>{@code
 * OutputFile file = OutputFile.at(path); // throws now, not after a minute of compute
 * byte[] bytes = longWork();
 * file.write(out -> out.write(bytes));
 * }</pre>
 */
public final class OutputFile {
  private static final int BUFFER_BYTES = 1 << 16;

  private final Path path;
  private final boolean device;

  private OutputFile(Path path, boolean device) {
    this.path = path;
    this.device = device;
  }

  /** Writes the bytes of a file. */
  @FunctionalInterface
  public interface Writer {
    /** Writes all of the file to {@code out}, which the caller closes. */
    void write(OutputStream out) throws IOException;
  }

  /**
   * A place that can be written: found out by creating and removing an empty file beside it.
   *
   * @param path a file, existing or not, in an existing directory; a symbolic link is followed; a
   *     device or a pipe is written directly
   * @throws OutputException if the place can't be written
   */
  public static OutputFile at(Path path) {
    Objects.requireNonNull(path, "path");
    try {
      Path target = Files.exists(path) ? path.toRealPath() : path.toAbsolutePath();
      if (Files.isDirectory(target)) {
        throw new OutputException(
            "can't write " + path + ": it is a directory, but a file name is needed");
      }
      if (Files.exists(target) && !Files.isRegularFile(target)) {
        return new OutputFile(target, true);
      }
      if (Files.exists(target) && !Files.isWritable(target)) {
        throw new OutputException("can't write " + path + ": the file there is write-protected");
      }
      OutputFile file = new OutputFile(target, false);
      Path probe = file.temporary();
      Files.createFile(probe);
      Files.delete(probe);
      return file;
    } catch (IOException e) {
      throw failure(path, e);
    }
  }

  /** Where the file will be: absolute, links followed. */
  public Path path() {
    return path;
  }

  /**
   * Writes the file. On failure the place is as it was before.
   *
   * @throws OutputException if writing fails, or {@code writer} throws an {@link IOException}
   */
  public void write(Writer writer) {
    try {
      if (device) {
        try (OutputStream out = Files.newOutputStream(path, StandardOpenOption.WRITE)) {
          writer.write(out);
        }
      } else {
        writeBeside(writer);
      }
    } catch (IOException e) {
      throw failure(path, e);
    }
  }

  private void writeBeside(Writer writer) throws IOException {
    Path temporary = temporary();
    try {
      // Not Files.createTempFile: its owner-only permissions would stay on the finished file.
      try (FileChannel channel =
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        OutputStream out =
            new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER_BYTES);
        writer.write(out);
        out.flush();
        channel.force(true);
      }
      move(temporary, path);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private Path temporary() {
    return path.resolveSibling("." + UUID.randomUUID() + ".tmp");
  }

  private static OutputException failure(Path path, IOException e) {
    Path directory = path.toAbsolutePath().getParent();
    if (directory != null && !Files.isDirectory(directory)) {
      return new OutputException(
          "can't write " + path + ": there is no directory " + directory + "; create it first", e);
    }
    if (e instanceof AccessDeniedException) {
      return new OutputException(
          "can't write " + path + ": no permission to write in " + directory, e);
    }
    if (e instanceof FileAlreadyExistsException) {
      return new OutputException("can't write " + path + ": its temporary file exists already", e);
    }
    return new OutputException("can't write " + path + ": " + e.getMessage(), e);
  }
}
