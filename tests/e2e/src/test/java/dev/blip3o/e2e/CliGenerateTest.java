package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.CancellationToken;
import dev.blip3o.support.Repository;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code generate} with the demo checkpoint. */
class CliGenerateTest {
  @TempDir Path folder;

  private String in(String name) {
    return folder.resolve(name).toString();
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static String lastLine(String text) {
    return text.lines().reduce((first, last) -> last).orElseThrow();
  }

  @Test
  void aPromptBecomesAPicture() throws IOException {
    Command command =
        Command.run("generate", "a red circle", "--seed=7", "--steps=4", "-o", in("picture.png"));
    assertEquals(0, command.code(), command.err());
    assertEquals(List.of("picture.png"), names());
    BufferedImage picture = ImageIO.read(folder.resolve("picture.png").toFile());
    assertEquals(128, picture.getWidth());
    assertEquals(128, picture.getHeight());

    String first = command.out().lines().findFirst().orElseThrow();
    assertEquals(in("picture.png") + ": 128 x 128 pixels, seed 7", first);
    for (String part :
        List.of("load", "tokenise", "prefill", "tokens", "condition", "steps", "decode", "PNG")) {
      assertTrue(command.out().matches("(?s).*\\b" + part + " \\d+\\.\\d+ s.*"), command.out());
    }
    List<String> stages = command.err().lines().map(line -> line.split(",")[0]).toList();
    assertEquals("loading " + Repository.demo(), stages.get(0));
    assertEquals(List.of("tokens 64/64", "steps 4/4"), stages.subList(1, 3));
    assertTrue(stages.get(3).startsWith("decode "), command.err());
  }

  @Test
  void thePngHoldsPromptSeedAndSettings() throws IOException {
    Command.run(
        "generate",
        "zwei Äpfel 🍎",
        "--seed=18446744073709551615",
        "--steps=2",
        "--guidance=1",
        "--temperature=0.5",
        "--top-k=3",
        "--top-p=0.25",
        "-o",
        in("picture.png"));
    String file = Files.readString(folder.resolve("picture.png"), StandardCharsets.ISO_8859_1);
    String prompt =
        new String("zwei Äpfel 🍎".getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    assertTrue(file.contains("iTXtprompt\0\0\0\0\0" + prompt), "the prompt as UTF-8");
    for (String text :
        List.of(
            "seed\00018446744073709551615",
            "steps\0002",
            "guidance\0001.0",
            "temperature\0000.5",
            "top_k\0003",
            "top_p\0000.25")) {
      assertTrue(file.contains("tEXt" + text), text);
    }
  }

  @Test
  void aPictureIsItsPromptSeedAndSettings() throws IOException {
    Path prompts = Files.writeString(folder.resolve("prompts.txt"), "a red circle\na blue star\n");
    Command all =
        Command.run(
            "generate",
            "--prompts",
            prompts.toString(),
            "--seed=5",
            "--count=2",
            "--steps=3",
            "-o",
            in("{number}-{prompt}-{seed}.png"));
    assertEquals(0, all.code(), all.err());
    assertEquals(
        List.of("1-1-5.png", "2-1-6.png", "3-2-7.png", "4-2-8.png", "prompts.txt"), names());

    Command one =
        Command.run(
            "generate", "a blue star", "--seed=8", "--steps=3", "--threads=1", "-o", in("one.png"));
    assertEquals(0, one.code(), one.err());
    assertArrayEquals(
        Files.readAllBytes(folder.resolve("4-2-8.png")),
        Files.readAllBytes(folder.resolve("one.png")));
  }

  @Test
  void manyPicturesAreWrittenAndReportedInTheirOrder() {
    Command command =
        Command.run(
            "generate",
            "a red circle",
            "--seed=5",
            "--count=11",
            "--steps=2",
            "-o",
            in("{seed}.png"));
    assertEquals(0, command.code(), command.err());
    List<String> reported = command.out().lines().filter(line -> line.contains("pixels")).toList();
    for (int k = 0; k < 11; k++) {
      assertEquals(in(5 + k + ".png") + ": 128 x 128 pixels, seed " + (5 + k), reported.get(k));
      String steps = "picture " + (k + 1) + "/11: steps 2/2";
      assertTrue(command.err().contains(steps), command.err());
    }
  }

  @Test
  void whatIsRefusedLaterLosesNothingThatCameBefore() throws IOException {
    Path prompts =
        Files.writeString(
            folder.resolve("prompts.txt"), "a red circle\na blue star\n" + "x".repeat(9000));
    Command command =
        Command.run(
            "generate",
            "--prompts",
            prompts.toString(),
            "--seed=5",
            "--steps=2",
            "-o",
            in("{number}.png"));
    assertEquals(2, command.code(), command.out());
    assertTrue(command.err().contains("the prompt is too long"), command.err());
    assertEquals(List.of("1.png", "2.png", "prompts.txt"), names());
  }

  @Test
  void withoutASeedEachRunDrawsAnother() throws IOException {
    for (String name : List.of("a.png", "b.png")) {
      assertEquals(0, Command.run("generate", "a red circle", "--steps=1", "-o", in(name)).code());
    }
    assertFalse(
        Arrays.equals(
            Files.readAllBytes(folder.resolve("a.png")),
            Files.readAllBytes(folder.resolve("b.png"))));
  }

  @Test
  void quietPrintsNothing() {
    Command command =
        Command.run("generate", "a red circle", "--steps=1", "--quiet", "-o", in("a.png"));
    assertEquals(new Command(0, "", ""), command);
    assertTrue(Files.exists(folder.resolve("a.png")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"loading", "tokens", "steps 30", "decode"})
  void cancellingLeavesNothing(String moment) throws IOException {
    CancellationToken cancellation = new CancellationToken();
    Command command =
        Command.run(
            cancellation,
            line -> {
              if (line.startsWith(moment)) {
                cancellation.cancel();
              }
            },
            "generate",
            "a red circle",
            "-o",
            in("a.png"));
    if (command.code() == 0) {
      // The last reports may come when all is done.
      assertTrue(moment.equals("decode") || moment.equals("steps 30"), moment);
      assertEquals(List.of("a.png"), names());
    } else {
      assertEquals(130, command.code(), command.err());
      assertEquals("blip3o: cancelled", lastLine(command.err()));
      assertEquals(List.of(), names());
    }
  }

  @Test
  void aMissingCheckpointIsNamed() throws IOException {
    Command command =
        Command.run("generate", "a cross", "--model", in("nowhere"), "-o", in("a.png"));
    assertEquals(1, command.code());
    assertTrue(lastLine(command.err()).contains(in("nowhere")), command.err());
    assertFalse(command.err().contains("\tat "), command.err());
    assertEquals(List.of(), names());
  }

  @Test
  void aPromptThatIsTooLongIsAUsageError() throws IOException {
    Command command = Command.run("generate", "x y ".repeat(25_000), "-o", in("a.png"));
    assertEquals(2, command.code());
    assertTrue(lastLine(command.err()).contains("prompt"), command.err());
    assertTrue(lastLine(command.err()).length() < 500, command.err());
    assertEquals(List.of(), names());
  }

  @Test
  void tooLittleMemoryIsSaidBeforeTheWork() throws IOException {
    Command command = Command.run("generate", "a cross", "--memory=100K", "-o", in("a.png"));
    assertEquals(1, command.code());
    assertTrue(lastLine(command.err()).contains("memory"), command.err());
    assertFalse(command.err().contains("tokens 64/64"), command.err());
    assertEquals(List.of(), names());
  }

  @Test
  void anExistingPictureSurvivesAFailedRun() throws IOException {
    Files.writeString(folder.resolve("a.png"), "old");
    Command.run("generate", "a cross", "--memory=100K", "-o", in("a.png"));
    assertEquals("old", Files.readString(folder.resolve("a.png")));
  }
}
