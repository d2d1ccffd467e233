package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputFileTest {
  @TempDir Path directory;

  @Test
  void writesAndReplaces() throws IOException {
    Path path = directory.resolve("file");
    OutputFile.at(path).write(out -> out.write(1));
    OutputFile.at(path).write(out -> out.write(2));
    assertArrayEquals(new byte[] {2}, Files.readAllBytes(path));
    assertEquals(List.of(path), files());
  }

  @Test
  void checkingLeavesNothing() throws IOException {
    OutputFile.at(directory.resolve("file"));
    assertEquals(List.of(), files());
  }

  @Test
  void aFailureLeavesTheOldFileAndNothingElse() throws IOException {
    Path path = directory.resolve("file");
    Files.write(path, new byte[] {1});
    OutputException e =
        assertThrows(
            OutputException.class,
            () ->
                OutputFile.at(path)
                    .write(
                        out -> {
                          out.write(new byte[1 << 20]);
                          throw new IOException("no space left");
                        }));
    assertTrue(e.getMessage().contains(path.toString()), e.getMessage());
    assertTrue(e.getMessage().contains("no space left"), e.getMessage());
    assertArrayEquals(new byte[] {1}, Files.readAllBytes(path));
    assertEquals(List.of(path), files());
  }

  @Test
  void unwritablePlacesAreNamedBeforeTheWork() throws IOException {
    Path file = Files.createFile(directory.resolve("file"));
    assertMessage("it is a directory", directory);
    assertMessage("there is no directory", directory.resolve("none").resolve("file"));
    assertMessage("there is no directory", file.resolve("inside"));
    assertMessage("can't write", Path.of("/proc/file")); // No user can create files there.
  }

  @Test
  void linksAreFollowed() throws IOException {
    Path real = Files.createFile(directory.resolve("real"));
    Path link = Files.createSymbolicLink(directory.resolve("link"), real);
    OutputFile.at(link).write(out -> out.write(7));
    assertTrue(Files.isSymbolicLink(link));
    assertArrayEquals(new byte[] {7}, Files.readAllBytes(real));
  }

  @Test
  void devicesAreWrittenDirectly() {
    Path device = Path.of("/dev/null");
    OutputFile.at(device).write(out -> out.write(7));
    assertTrue(Files.exists(device) && !Files.isRegularFile(device));
  }

  @Test
  void permissionsAreThoseOfAnyNewFile() throws IOException {
    Path plain = Files.createFile(directory.resolve("plain"));
    Path path = directory.resolve("file");
    OutputFile.at(path).write(out -> out.write(1));
    assertEquals(Files.getPosixFilePermissions(plain), Files.getPosixFilePermissions(path));
  }

  @Test
  void aPictureCarriesItsSettings() throws IOException {
    Path path = directory.resolve("picture.png");
    ImageRequest request =
        ImageRequest.builder("zwei Äpfel 🍎")
            .seed(-1)
            .steps(30)
            .guidance(2)
            .temperature(1)
            .topK(1200)
            .topP(0.95)
            .build();
    Timings none = timings(Duration.ZERO, Duration.ZERO, Duration.ZERO);
    Pixels pixels = Pixels.of(1, 2, new byte[] {1, 2, 3, 4, 5, 6});
    new GeneratedImage(pixels, request, new int[] {7, 0, 65535}, none, null, 0).writePng(path);
    assertEquals(
        Map.of(
            "Software", "blip3o-java",
            "prompt", "zwei Äpfel 🍎",
            "seed", "18446744073709551615",
            "steps", "30",
            "guidance", "2.0",
            "temperature", "1.0",
            "top_k", "1200",
            "top_p", "0.95",
            "tokens", "7,0,65535"),
        PngText.read(Files.readAllBytes(path)));
    assertEquals(0x040506, ImageIO.read(path.toFile()).getRGB(0, 1) & 0xFFFFFF);
  }

  @Test
  void overheadIsWhatIsNeitherQueueNorWaitingNorCompute() {
    Duration second = Duration.ofSeconds(1);
    assertEquals(second, timings(second, second, Duration.ofSeconds(9)).overhead());
    assertEquals(Duration.ofSeconds(6), timings(second, second, second).compute());
    assertEquals(Duration.ZERO, timings(second, second, second).overhead());
  }

  private static Timings timings(Duration queued, Duration stage, Duration total) {
    Duration waiting = Duration.ofSeconds(1);
    return new Timings(
        Duration.ZERO, queued, waiting, stage, stage, stage, stage, stage, stage, total, 0);
  }

  private void assertMessage(String message, Path path) throws IOException {
    List<Path> before = files();
    String found = assertThrows(OutputException.class, () -> OutputFile.at(path)).getMessage();
    assertTrue(found.contains(message), found);
    assertTrue(found.contains(path.toString()), found);
    assertEquals(before, files());
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.sorted().toList();
    }
  }
}
