package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.CancellationToken;
import dev.blip3o.InputImage;
import dev.blip3o.PictureSettings;
import dev.blip3o.Pixels;
import dev.blip3o.cli.Safetensors;
import dev.blip3o.support.Repository;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code edit}, and what {@code generate} does with pictures and kept tokens; with the demo. */
class CliEditTest {
  private static final int SIDE = 128;
  private static final Path PICTURE = Repository.demo().resolve("edits/000.png");
  private static final Path OTHER = Repository.demo().resolve("edits/003.png");
  private static final String INSTRUCTION = "change the orange square to purple";

  @TempDir Path folder;

  private Path in(String name) {
    return folder.resolve(name);
  }

  /** Runs a command that must succeed, and gives the picture that it wrote. */
  private Path draw(String name, String... words) {
    List<String> command = new ArrayList<>(List.of(words));
    command.addAll(List.of("-o", in(name).toString()));
    if (command.stream().noneMatch(word -> word.startsWith("--seed"))) {
      command.add("--seed=7");
    }
    command.add("--steps=8");
    Command run = Command.run(command.toArray(String[]::new));
    assertEquals(0, run.code(), run.err());
    return in(name);
  }

  private Path edit(String name, String... options) {
    return draw(
        name,
        Stream.concat(Stream.of("edit", INSTRUCTION, "-i", PICTURE.toString()), Stream.of(options))
            .toArray(String[]::new));
  }

  private static ByteBuffer pixels(Path picture) {
    InputImage image = InputImage.read(picture);
    assertEquals(List.of(SIDE, SIDE, 3), List.of(image.width(), image.height(), image.channels()));
    return image.bytes();
  }

  /** The mean difference of two pictures, in steps of 8-bit samples. */
  private static double distance(Path a, Path b) {
    ByteBuffer first = pixels(a);
    ByteBuffer second = pixels(b);
    long sum = 0;
    for (int i = 0; i < first.limit(); i++) {
      sum += Math.abs((first.get(i) & 0xFF) - (second.get(i) & 0xFF));
    }
    return (double) sum / first.limit();
  }

  /**
   * Given tokens are read in one pass, drawn ones one by one: the same sums in another order, which
   * may round a sample to its other neighbour.
   */
  private static void assertSameButForRounding(Path a, Path b) {
    ByteBuffer first = pixels(a);
    ByteBuffer second = pixels(b);
    for (int i = 0; i < first.limit(); i++) {
      int difference = Math.abs((first.get(i) & 0xFF) - (second.get(i) & 0xFF));
      assertTrue(difference <= 1, "sample " + i + " differs by " + difference);
    }
  }

  private static String tokens(Path picture) {
    return PictureSettings.readPng(picture).get("tokens");
  }

  @Test
  void anInstructionChangesAPicture() {
    Path out = in("out.png");
    Command command =
        Command.run(
            "edit", INSTRUCTION, "-i", PICTURE.toString(), "--seed=7", "-o", out.toString());
    assertEquals(0, command.code(), command.err());
    assertEquals(
        out + ": 128 x 128 pixels, seed 7", command.out().lines().findFirst().orElseThrow());
    for (String part :
        List.of(
            "load", "tokenise", "encode", "prefill", "tokens", "condition", "steps", "decode")) {
      assertTrue(command.out().matches("(?s).*\\b" + part + " \\d+\\.\\d+ s.*"), command.out());
    }
    List<String> stages = command.err().lines().map(line -> line.split(" ")[0]).toList();
    assertEquals(List.of("loading", "encode", "tokens", "steps", "decode"), stages);
    assertNotEquals(pixels(PICTURE), pixels(out));
  }

  @Test
  void theSettingsSayThatItWasAnEdit() {
    Map<String, String> settings = PictureSettings.readPng(edit("a.png", "--strength=0.5"));
    assertEquals("edit", settings.get("operation"));
    assertEquals(INSTRUCTION, settings.get("prompt"));
    assertEquals("7", settings.get("seed"));
    assertEquals("8", settings.get("steps"));
    assertEquals("0.5", settings.get("strength"));
    assertEquals(64, settings.get("tokens").split(",").length);
  }

  @Test
  void anEditIsItsPictureInstructionSeedAndSettings() throws IOException {
    Path prompts = Files.writeString(in("edits.txt"), "remove the green cross\n" + INSTRUCTION);
    Command all =
        Command.run(
            "edit",
            "--prompts",
            prompts.toString(),
            "-i",
            PICTURE.toString(),
            "--seed=5",
            "--count=2",
            "--steps=8",
            "-o",
            in("{prompt}-{seed}.png").toString());
    assertEquals(0, all.code(), all.err());
    for (String name : List.of("1-5.png", "1-6.png", "2-7.png", "2-8.png")) {
      assertTrue(Files.exists(in(name)), name);
    }
    assertEquals(-1, mismatch(edit("alone.png", "--seed=8", "--threads=1"), in("2-8.png")));
  }

  private static long mismatch(Path a, Path b) {
    try {
      return Files.mismatch(a, b);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void referencesCountInTheirOrder() {
    String first = PICTURE.toString();
    String second = OTHER.toString();
    Path both = draw("a.png", "edit", "put both together", "-i", first, "-i", second);
    Path swapped = draw("b.png", "edit", "put both together", "-i", second, "--image=" + first);
    Path one = draw("c.png", "edit", "put both together", "-i", first);
    assertAll(
        () -> assertNotEquals(pixels(both), pixels(swapped)),
        () -> assertNotEquals(pixels(both), pixels(one)),
        () -> assertNotEquals(pixels(swapped), pixels(one)));
  }

  /** A mask that is white on the left of {@code column}. */
  private Path mask(String name, int column) {
    byte[] rgb = new byte[3 * SIDE * SIDE];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (i / 3 % SIDE < column ? 255 : 0);
    }
    Pixels.of(SIDE, SIDE, rgb).writePng(in(name));
    return in(name);
  }

  @Test
  void outsideTheMaskThePictureStays() {
    int column = SIDE / 2;
    String mask = mask("mask.png", column).toString();
    assertKeptFrom(column, edit("edited.png", "--mask", mask));
    assertKeptFrom(
        column,
        draw("drawn.png", "generate", "a cross", "--from", PICTURE.toString(), "--mask", mask));
  }

  private static void assertKeptFrom(int column, Path picture) {
    ByteBuffer before = pixels(PICTURE);
    ByteBuffer after = pixels(picture);
    int changed = 0;
    for (int i = 0; i < before.limit(); i++) {
      if (i / 3 % SIDE >= column) {
        assertEquals(before.get(i), after.get(i), picture + ": sample " + i);
      } else {
        changed += before.get(i) == after.get(i) ? 0 : 1;
      }
    }
    assertTrue(changed > before.limit() / 20, picture + ": only " + changed + " samples changed");
  }

  /** The model sees the middle of an oblong picture; so it does of the mask. */
  @Test
  void outsideTheMaskTheMiddleOfAnOblongPictureStays() {
    int margin = SIDE / 4;
    int column = SIDE / 2;
    int width = SIDE + 2 * margin;
    ByteBuffer middle = pixels(PICTURE);
    byte[] picture = new byte[3 * width * SIDE];
    byte[] mask = new byte[picture.length];
    for (int i = 0; i < picture.length; i++) {
      int x = i / 3 % width - margin;
      int y = i / 3 / width;
      boolean inside = x >= 0 && x < SIDE;
      picture[i] = inside ? middle.get(3 * (y * SIDE + x) + i % 3) : (byte) i;
      mask[i] = (byte) (x < column ? 255 : 0);
    }
    Pixels.of(width, SIDE, picture).writePng(in("oblong.png"));
    Pixels.of(width, SIDE, mask).writePng(in("mask.png"));
    String oblong = in("oblong.png").toString();
    assertKeptFrom(
        column,
        draw("edited.png", "edit", INSTRUCTION, "-i", oblong, "--mask", in("mask.png").toString()));
  }

  @Test
  void aBlackMaskKeepsAllAndAWhiteOneNothing() {
    assertEquals(pixels(PICTURE), pixels(edit("a.png", "--mask", mask("b.png", 0).toString())));
    assertEquals(
        pixels(edit("c.png")), pixels(edit("d.png", "--mask", mask("w.png", SIDE).toString())));
  }

  @Test
  void strengthSaysHowFarFromThePictureItGoes() {
    Path none = edit("none.png");
    Path weak = edit("weak.png", "--strength=0.15");
    Path strong = edit("strong.png", "--strength=0.8");
    assertTrue(distance(PICTURE, weak) < distance(PICTURE, strong) / 2, "weak against strong");
    assertTrue(distance(PICTURE, weak) > 0);
    assertEquals(pixels(none), pixels(edit("full.png", "--strength=1")), "1: from pure noise");
  }

  @Test
  void generateStartsFromAPicture() {
    String from = PICTURE.toString();
    Path weak = draw("weak.png", "generate", "a star", "--from", from, "--strength=0.15");
    Path usual = draw("usual.png", "generate", "a star", "--from", from);
    Path same = draw("same.png", "generate", "a star", "--from", from, "--strength=0.6");
    assertTrue(distance(PICTURE, weak) < distance(PICTURE, usual) / 2, "weak against usual");
    assertEquals(-1, mismatch(usual, same), "0.6 is the default");
    Path free = draw("free.png", "generate", "a star");
    assertEquals(
        pixels(free),
        pixels(draw("full.png", "generate", "a star", "--from", from, "--strength=1")));
    assertNotEquals(pixels(free), pixels(usual));
  }

  @Test
  void tokensOfAPictureMakeVariationsOfIt() {
    Path first = draw("first.png", "generate", "a red circle");
    String from = first.toString();
    Path same = draw("same.png", "generate", "a red circle", "--tokens-from", from);
    Path again = draw("again.png", "generate", "a red circle", "--tokens-from", from);
    Path other = draw("other.png", "generate", "a red circle", "--tokens-from", from, "--seed=8");
    Path free = draw("free.png", "generate", "a red circle", "--seed=8");
    assertAll(
        () -> assertSameButForRounding(first, same),
        () -> assertEquals(pixels(same), pixels(again)),
        () -> assertNotEquals(pixels(first), pixels(other)),
        () -> assertEquals(tokens(first), tokens(other)),
        () -> assertNotEquals(tokens(first), tokens(free)),
        () -> assertNotEquals(pixels(free), pixels(other)));
  }

  @Test
  void editsKeepTokensToo() {
    Path first = edit("first.png");
    Path same = edit("same.png", "--tokens-from", first.toString());
    Path again = edit("again.png", "--tokens-from", first.toString());
    Path other = edit("other.png", "--tokens-from", first.toString(), "--seed=8");
    assertAll(
        () -> assertSameButForRounding(first, same),
        () -> assertEquals(pixels(same), pixels(again)),
        () -> assertEquals(tokens(first), tokens(other)),
        () -> assertNotEquals(pixels(first), pixels(other)));
  }

  @Test
  void tokensComeFromSafetensorsToo() {
    Path trace = Repository.golden().resolve("demo/job0/trace.safetensors");
    String expected =
        LongStream.of(Safetensors.read(trace).tensor("tokens").orElseThrow().longs())
            .mapToObj(Long::toString)
            .collect(Collectors.joining(","));
    Path a = draw("a.png", "generate", "a cross", "--tokens-from", trace.toString());
    Path b = draw("b.png", "generate", "a cross", "--tokens-from", trace.toString(), "--seed=8");
    Path again = draw("c.png", "generate", "a cross", "--tokens-from", trace.toString());
    assertAll(
        () -> assertEquals(expected, tokens(a)),
        () -> assertEquals(expected, tokens(b)),
        () -> assertNotEquals(pixels(a), pixels(b)),
        () -> assertEquals(pixels(a), pixels(again)));
  }

  @Test
  void tokensOfAnotherModelAreRefused() {
    Map<String, String> texts =
        Map.of(
            "1,2,3",
            ": holds 3 image tokens, but a picture of this checkpoint has 64; give a picture of",
            "512,".repeat(63) + "512",
            ": holds the image token 512, but those of this checkpoint are 0 to 511; give a");
    for (String text : texts.keySet()) {
      Pixels.of(1, 1, new byte[3]).writePng(in("tokens.png"), Map.of("tokens", text));
      Command command =
          Command.run(
              "generate",
              "a cross",
              "--tokens-from",
              in("tokens.png").toString(),
              "-o",
              in("a.png").toString());
      assertEquals(1, command.code(), command.err());
      String last = command.err().lines().reduce((a, b) -> b).orElseThrow();
      assertTrue(last.startsWith("blip3o: " + in("tokens.png") + texts.get(text)), last);
      assertTrue(Files.notExists(in("a.png")));
    }
  }

  @Test
  void picturesOfAnySizeAreTaken() {
    InputImage picture = InputImage.read(PICTURE);
    byte[] rgb = new byte[picture.bytes().limit()];
    picture.bytes().get(rgb);
    int rows = SIDE / 2;
    Pixels.of(SIDE, rows, Arrays.copyOf(rgb, 3 * SIDE * rows)).writePng(in("oblong.png"));
    Pixels.of(1, 1, new byte[] {1, 2, 3}).writePng(in("dot.png"));
    for (String name : List.of("oblong.png", "dot.png")) {
      pixels(draw("out-" + name, "edit", INSTRUCTION, "-i", in(name).toString()));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"loading", "encode"})
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
            "edit",
            INSTRUCTION,
            "-i",
            PICTURE.toString(),
            "-o",
            in("a.png").toString());
    assertEquals(130, command.code(), command.err());
    assertTrue(command.err().endsWith("blip3o: cancelled" + System.lineSeparator()), command.err());
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(0, files.count());
    }
  }
}
