package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.support.Repository;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A picture that can't be used ends in one line that names it, at once, and leaves no file. */
class CliBadPictureTest {
  private static final Path GOOD = Repository.demo().resolve("edits/000.png");
  private static final Path TEXT_ONLY = Repository.golden().resolve("reference/tied/model");

  @TempDir Path folder;

  /** Runs the command on the file as each kind of input that it can be. */
  private void assertRefused(Path bad, String... parts) throws IOException {
    List<List<String>> commands =
        List.of(
            List.of("edit", "make it red", "-i", bad.toString()),
            List.of("edit", "make it red", "-i", GOOD.toString(), "-i", bad.toString()),
            List.of("edit", "make it red", "-i", GOOD.toString(), "--mask", bad.toString()),
            List.of("generate", "a cross", "--from", bad.toString()),
            List.of("generate", "a cross", "--from", GOOD.toString(), "--mask", bad.toString()),
            List.of(
                "trace",
                "--prompt=make it red",
                "--noise=" + Repository.golden().resolve("demo/job1/noise.safetensors"),
                "--reference=" + bad));
    for (List<String> command : commands) {
      String line = failure(1, command);
      assertTrue(line.contains(bad.toString()), line);
      for (String part : parts) {
        assertTrue(line.contains(part), line);
      }
    }
  }

  /** Runs a command that must fail, and gives the one line that it prints. */
  private String failure(int code, List<String> words) throws IOException {
    List<String> command = new ArrayList<>(words);
    Path out = folder.resolve("out").resolve("out.png");
    Files.createDirectories(out.getParent());
    command.addAll(List.of("-o", out.toString()));
    Command run = Command.run(command.toArray(String[]::new));
    assertEquals(code, run.code(), run.err());
    assertEquals("", run.out());
    List<String> lines = run.err().lines().filter(line -> !line.startsWith("loading ")).toList();
    assertEquals(1, lines.size(), run.err());
    assertTrue(lines.get(0).startsWith("blip3o: "), run.err());
    try (Stream<Path> files = Files.list(out.getParent())) {
      assertEquals(List.of(), files.toList());
    }
    return lines.get(0);
  }

  private Path file(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  private static byte[] encode(String format, BufferedImage image) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    assertTrue(ImageIO.write(image, format, out));
    return out.toByteArray();
  }

  /** A PNG of 8-bit RGB whose header claims a size, with hardly any data. */
  private static byte[] png(int width, int height) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'});
    ByteArrayOutputStream header = new ByteArrayOutputStream();
    DataOutputStream fields = new DataOutputStream(header);
    fields.writeInt(width);
    fields.writeInt(height);
    fields.write(new byte[] {8, 2, 0, 0, 0});
    chunk(out, "IHDR", header.toByteArray());
    // The zlib stream of nothing.
    chunk(out, "IDAT", new byte[] {0x78, (byte) 0x9C, 0x03, 0, 0, 0, 0, 1});
    chunk(out, "IEND", new byte[0]);
    return bytes.toByteArray();
  }

  private static void chunk(DataOutputStream out, String type, byte[] data) throws IOException {
    byte[] name = type.getBytes(StandardCharsets.US_ASCII);
    CRC32 check = new CRC32();
    check.update(name);
    check.update(data);
    out.writeInt(data.length);
    out.write(name);
    out.write(data);
    out.writeInt((int) check.getValue());
  }

  @Test
  void notAPicture() throws IOException {
    assertRefused(file("a.png", "a red circle".getBytes(StandardCharsets.UTF_8)));
    assertRefused(file("empty.png", new byte[0]));
    assertRefused(Files.createDirectory(folder.resolve("folder.png")));
  }

  @Test
  void aTruncatedPng() throws IOException {
    byte[] whole = Files.readAllBytes(GOOD);
    assertRefused(file("a.png", Arrays.copyOf(whole, whole.length / 2)));
    assertRefused(file("b.png", Arrays.copyOf(whole, 20)));
  }

  @Test
  void aTruncatedJpeg() throws IOException {
    byte[] whole = encode("jpg", ImageIO.read(GOOD.toFile()));
    assertRefused(file("a.jpg", Arrays.copyOf(whole, whole.length / 2)));
    assertRefused(file("b.jpg", Arrays.copyOf(whole, 4)));
  }

  @Test
  void aDecompressionBomb() throws IOException {
    assertRefused(
        file("a.png", png(60_000, 60_000)),
        "60000x60000",
        "too many pixels",
        "raise the limit with --max-pixels");
  }

  @Test
  void zeroSize() throws IOException {
    assertRefused(file("a.png", png(0, 10)));
    assertRefused(file("b.png", png(10, 0)));
  }

  @Test
  void aLine() throws IOException {
    BufferedImage line = new BufferedImage(1, 10_000, BufferedImage.TYPE_INT_RGB);
    assertRefused(file("a.png", encode("png", line)), "1x10000", "too long for its width");
  }

  @Test
  void aMaskOfAnotherSize() throws IOException {
    BufferedImage small = new BufferedImage(127, 128, BufferedImage.TYPE_BYTE_GRAY);
    String mask = file("mask.png", encode("png", small)).toString();
    for (List<String> words :
        List.of(
            List.of("edit", "make it red", "-i", GOOD.toString(), "--mask", mask),
            List.of("generate", "a cross", "--from", GOOD.toString(), "--mask", mask))) {
      String line = failure(2, words);
      assertTrue(
          line.contains(
              mask
                  + ": the mask must have the size of "
                  + GOOD
                  + " as it is seen, after its EXIF orientation: 128x128, but is 127x128"),
          line);
    }
  }

  @Test
  void aTextOnlyCheckpoint() throws IOException {
    String model = "--model=" + TEXT_ONLY;
    Path noise = Repository.golden().resolve("reference/tied/job0/noise.safetensors");
    for (List<String> words :
        List.of(
            List.of("edit", "make it red", model, "-i", GOOD.toString()),
            List.of("trace", "--prompt=a", model, "--reference=" + GOOD, "--noise=" + noise))) {
      String line = failure(1, words);
      assertTrue(line.contains("can't edit pictures"), line);
      assertTrue(line.contains(TEXT_ONLY.resolve("config.json").toString()), line);
    }
    Command drawn =
        Command.run("generate", "a", model, "--steps=1", "-o", folder.resolve("a.png").toString());
    assertEquals(0, drawn.code(), drawn.err());
    assertFalse(drawn.err().contains("encode "), drawn.err());
  }

  @Test
  void aCheckpointWithoutAnEncoder() throws IOException {
    String tensor = "model.sana_vae.encoder.conv_in.weight";
    Path model = Repository.copyDemo(folder.resolve("model"));
    SafetensorsEditor weights = new SafetensorsEditor(model.resolve("model.safetensors"));
    weights.rename(tensor, "other");
    weights.write();
    for (List<String> words :
        List.of(
            List.of("edit", "make it red", "--model=" + model, "-i", GOOD.toString()),
            List.of("generate", "a cross", "--model=" + model, "--from", GOOD.toString()))) {
      String line = failure(1, words);
      assertTrue(line.contains(tensor), line);
    }
    Command part = Command.run("inspect", model.toString());
    assertEquals(1, part.code(), "a part that is partly there is damaged");
    assertTrue(part.err().contains(tensor), part.err());

    for (String other : weights.names("model.sana_vae.encoder.")) {
      weights.rename(other, "other." + other);
    }
    weights.write();
    Command report = Command.run("inspect", model.toString());
    assertEquals(0, report.code(), report.err());
    assertTrue(report.out().contains("  image tokens of a picture    yes"), report.out());
    assertTrue(
        report.out().matches("(?s).*  image to image +no: .*" + tensor + ".*"), report.out());
    assertTrue(report.out().matches("(?s).*  editing +no: .*"), report.out());
  }
}
