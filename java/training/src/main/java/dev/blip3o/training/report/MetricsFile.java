package dev.blip3o.training.report;

import dev.blip3o.OutputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * A CSV file with one row for each step, for spreadsheets and for the report: comma, point, no
 * quotes, a header.
 *
 * <p>A row is written at once and forced to disk, so that after a crash the file holds whole rows
 * and at most one cut off at its end, which {@link #resume} removes. One thread at a time.
 */
public final class MetricsFile implements AutoCloseable {
  private final Path file;
  private final FileChannel channel;

  private MetricsFile(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * A new file with no rows; one that is there is replaced.
   *
   * @throws OutputException if it can't be written
   */
  public static MetricsFile create(Path file) {
    try {
      MetricsFile metrics =
          new MetricsFile(
              file,
              FileChannel.open(
                  file,
                  StandardOpenOption.CREATE,
                  StandardOpenOption.WRITE,
                  StandardOpenOption.TRUNCATE_EXISTING));
      metrics.write(MetricsRow.HEADER + "\n");
      return metrics;
    } catch (IOException e) {
      throw failure(file, e);
    }
  }

  /**
   * The file of an earlier run, without the rows after {@code step}: those steps are taken again.
   *
   * @param step of the checkpoint that the run goes on from; 0: none
   * @throws OutputException if it can't be read or written, or lacks a step up to that one
   */
  public static MetricsFile resume(Path file, int step) {
    List<StepMetrics> rows = read(file);
    for (int i = 0; i < step; i++) {
      if (i >= rows.size() || rows.get(i).step() != i + 1) {
        throw new OutputException(
            file
                + " must hold the steps 1 to "
                + step
                + " to be continued from there, but lacks step "
                + (i + 1)
                + "; it is of another run");
      }
    }
    long kept = bytesToRow(text(file), step);
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
      channel.truncate(kept);
      channel.position(channel.size());
      return new MetricsFile(file, channel);
    } catch (IOException e) {
      throw failure(file, e);
    }
  }

  /** Bytes of the header and this many rows. */
  private static long bytesToRow(String text, int rows) {
    int end = 0;
    for (int line = 0; line <= rows; line++) {
      end = text.indexOf('\n', end) + 1;
    }
    return text.substring(0, end).getBytes(StandardCharsets.UTF_8).length;
  }

  /**
   * The rows of a file. A last line without a line break was cut off by a crash and doesn't count.
   *
   * @throws OutputException if it can't be read or is no such file
   */
  public static List<StepMetrics> read(Path file) {
    String text = text(file);
    List<String> lines = text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
    if (lines.isEmpty() || !lines.get(0).equals(MetricsRow.HEADER)) {
      throw new OutputException(
          file
              + " must be a file of metrics, which begins with the line "
              + MetricsRow.HEADER
              + ", but begins with: "
              + (lines.isEmpty() ? "nothing" : lines.get(0)));
    }
    List<StepMetrics> rows = new ArrayList<>();
    for (int i = 1; i < lines.size(); i++) {
      try {
        rows.add(MetricsRow.parse(lines.get(i)));
      } catch (IllegalArgumentException e) {
        throw new OutputException(file + ", line " + (i + 1) + ": " + e.getMessage(), e);
      }
    }
    return rows;
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (NoSuchFileException e) {
      throw new OutputException("there is no file of metrics " + file, e);
    } catch (IOException e) {
      throw new OutputException(file + ": can't be read: " + e.getMessage(), e);
    }
  }

  /**
   * Adds a row; it is on disk when this returns.
   *
   * @throws OutputException if it can't be written; the file then ends with the row before
   */
  public void append(StepMetrics metrics) {
    try {
      write(MetricsRow.of(metrics) + "\n");
    } catch (IOException e) {
      throw failure(file, e);
    }
  }

  private void write(String line) throws IOException {
    long end = channel.position();
    ByteBuffer bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8));
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(false);
    } catch (IOException e) {
      channel.truncate(end);
      channel.position(end);
      throw e;
    }
  }

  private static OutputException failure(Path file, IOException e) {
    return new OutputException("can't write the metrics " + file + ": " + e.getMessage(), e);
  }

  /** Closes the file. May be repeated. */
  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw failure(file, e);
    }
  }
}
