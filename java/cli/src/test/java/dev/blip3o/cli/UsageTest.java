package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Pixels;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every wrong use ends with exit code 2 and one line that says what is wrong. None needs the
 * runtime.
 */
class UsageTest {
  @TempDir Path folder;

  private static void assertRefused(int code, String part, String... words) {
    Run run = Run.of(words);
    assertAll(
        () -> assertEquals(code, run.code(), run.err()),
        () -> assertEquals("", run.out()),
        () -> assertEquals(1, run.err().lines().count(), run.err()),
        () -> assertTrue(run.err().startsWith("blip3o: "), run.err()),
        () -> assertTrue(run.err().contains(part), run.err()));
  }

  private String picture(String name, int width, int height) {
    Path file = folder.resolve(name);
    Pixels.of(width, height, new byte[3 * width * height]).writePng(file);
    return file.toString();
  }

  private Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  @Test
  void aCommandIsNeeded() {
    assertRefused(
        2, "a command is missing: generate, edit, serve, inspect, trace, bench, train or help");
    assertRefused(2, "'genrate'", "genrate");
    assertRefused(2, "a benchmark is missing: serve", "bench");
  }

  @Test
  void trainingNeedsItsArtifact() {
    assertRefused(1, "the artifact dev.blip3o:blip3o-cli-training", "train");
    assertRefused(1, "the artifact dev.blip3o:blip3o-cli-training", "train", "grpo", "--steps=1");
    assertTrue(Run.of("--help").out().contains("train "));
  }

  @ParameterizedTest
  @ValueSource(strings = {"generate", "edit -i a.png", "inspect"})
  void unknownOptionsAreNamed(String command) {
    assertRefused(2, "'--sed=1'", (command + " --sed=1").split(" "));
  }

  @ParameterizedTest
  @CsvSource({
    "--steps, 0, --steps must be between 1 and 1000",
    "--steps, -5, --steps must be between 1 and 1000",
    "--steps, many, 'many' is no whole number",
    "--max-pixels, 0, --max-pixels must be between 1",
    "--max-pixels, all, 'all' is no whole number",
    "--top-p, most, 'most' is not a number",
    "--count, 0, --count must be between 1 and 10000",
    "--count, -1, --count must be between 1 and 10000",
    "--guidance, 0.5, --guidance must be between 1",
    "--guidance, NaN, --guidance must be between 1",
    "--temperature, -1, --temperature must be between 0",
    "--temperature, Infinity, --temperature must be between 0",
    "--top-k, -1, --top-k must be between 0",
    "--top-p, 0, --top-p must be above 0",
    "--top-p, 1.01, --top-p must be above 0",
    "--threads, -1, --threads must be between 0",
    "--memory, lots, 'lots' is no size",
    "--memory, -1G, '-1G' is no size",
    "--compute, fp16, 'fp16' is none of auto",
    "--device, gpu, 'gpu' is none of auto",
    "--quantize, int4, 'int4' is none of int8",
    "--seed, -1, '-1' is no seed",
    "--seed, 18446744073709551616, is no seed",
    "--seed, 1.5, '1.5' is no seed"
  })
  void valuesOutOfRangeNameTheOption(String option, String value, String part) {
    String output = folder.resolve("picture.png").toString();
    String picture = picture("in.png", 4, 3);
    String from = "--from=" + picture;
    assertRefused(2, part, "generate", "a red circle", from, "-o", output, option, value);
    assertRefused(2, option, "generate", "a red circle", from, "-o", output, option, value);
    assertRefused(2, part, "edit", "make it red", "-i", picture, "-o", output, option, value);
    assertRefused(2, option, "edit", "make it red", "-i", picture, "-o", output, option, value);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-0.5", "1.01", "NaN"})
  void strengthsOutOfRangeNameTheOption(String value) {
    String picture = picture("in.png", 4, 3);
    String part = "--strength must be above 0";
    assertRefused(2, part, "edit", "make it red", "-i", picture, "--strength", value);
    assertRefused(2, part, "generate", "a cross", "--from", picture, "--strength", value);
  }

  @Test
  void aPromptIsNeeded() {
    assertRefused(2, "a prompt is missing", "generate");
    assertRefused(2, "the prompt is empty", "generate", "  ");
    assertRefused(2, "put quotes around \"a red circle\"", "generate", "a", "red", "circle");
  }

  @Test
  void anEditNeedsInstructionAndPicture() {
    String picture = picture("in.png", 4, 3);
    assertRefused(2, "'--image=PICTURE'", "edit", "make it red");
    assertRefused(2, "an instruction is missing: say in quotes what to", "edit", "-i", picture);
    assertRefused(2, "the instruction is empty: say in quotes what", "edit", " ", "-i", picture);
    assertRefused(
        2, "put quotes around \"make it red\"", "edit", "make", "it", "red", "-i", picture);
    String[] words = new String[2 + 2 * 17];
    Arrays.fill(words, picture);
    words[0] = "edit";
    words[1] = "put all together";
    for (int i = 2; i < words.length; i += 2) {
      words[i] = "-i";
    }
    assertRefused(2, "at most 16 reference pictures, but 17 were given", words);
  }

  @Test
  void strengthAndMaskGoWithAPicture() {
    String picture = picture("in.png", 4, 3);
    assertRefused(2, "--strength goes with a picture", "generate", "a cross", "--strength=0.5");
    assertRefused(2, "--mask goes with a picture", "generate", "a cross", "--mask", picture);
  }

  @Test
  void eachPictureHasItsOwnOption() {
    String first = picture("a.png", 4, 3);
    String second = picture("b.png", 4, 3);
    String edit = "'" + second + "' stands where the instruction should, but is a file: each";
    assertRefused(2, edit, "edit", "make it red", "-i", first, second);
    assertRefused(2, edit, "edit", "-i", first, second, "make it red");
    String generate = "but is a file: a picture to start from needs --from before it";
    assertRefused(2, generate, "generate", "a cross", second);
  }

  @Test
  void emptyNamesAreRefused() throws IOException {
    String picture = picture("in.png", 4, 3);
    Path noise = folder.resolve("noise.safetensors");
    Files.write(noise, SafetensorsTest.file(SafetensorsTest.noise(1, 2, 2)));
    for (String[] words :
        new String[][] {
          {"--image", "edit", "make it red", "-i", ""},
          {"--mask", "edit", "make it red", "-i", picture, "--mask", ""},
          {"--tokens-from", "edit", "make it red", "-i", picture, "--tokens-from="},
          {"-o", "edit", "make it red", "-i", picture, "-o", ""},
          {"-o", "generate", "a cross", "-o", ""},
          {"--from", "generate", "a cross", "--from", ""},
          {"--model", "generate", "a cross", "--model", ""},
          {"--reference", "trace", "--prompt=a", "--noise=" + noise, "-o=a", "--reference="},
          {"--out", "trace", "--prompt=a", "--noise=" + noise, "-o", ""},
        }) {
      String[] command = Arrays.copyOfRange(words, 1, words.length);
      assertRefused(2, words[0], command);
      assertRefused(2, " is empty", command);
    }
  }

  @Test
  void theLimitOfPixelsCanBeSet() {
    String picture = picture("in.png", 4, 3);
    for (String[] words :
        new String[][] {
          {"edit", "make it red", "-i", picture, "--max-pixels=11"},
          {"generate", "a cross", "--from", picture, "--max-pixels=11"},
        }) {
      assertRefused(1, picture + " has too many pixels: 4x3 are 12, but at most 11", words);
      assertRefused(1, "or raise the limit with --max-pixels", words);
    }
    // Twelve are read: what is missing next is the model.
    assertRefused(
        2, "name one with --model", "edit", "make it red", "-i", picture, "--max-pixels=12");
  }

  @Test
  void aMaskHasThePicturesSize() {
    String picture = picture("in.png", 4, 3);
    String mask = picture("mask.png", 3, 4);
    String part =
        mask
            + ": the mask must have the size of "
            + picture
            + " as it is seen, after its EXIF orientation: 4x3, but is 3x4";
    String other = picture("other.png", 3, 4);
    assertRefused(2, part, "edit", "make it red", "-i", picture, "-i", other, "--mask", mask);
    assertRefused(2, part, "generate", "a cross", "--from", picture, "--mask", mask);
  }

  @Test
  void filesThatAreMissingAreNamed() {
    String picture = picture("in.png", 4, 3);
    String missing = folder.resolve("missing.png").toString();
    for (String[] words :
        new String[][] {
          {"edit", "make it red", "-i", missing},
          {"edit", "make it red", "-i", picture, "-i", missing},
          {"edit", "make it red", "-i", picture, "--mask", missing},
          {"edit", "make it red", "-i", picture, "--tokens-from", missing},
          {"generate", "a cross", "--from", missing},
          {"generate", "a cross", "--from", picture, "--mask", missing},
          {"generate", "a cross", "--tokens-from", missing},
        }) {
      assertRefused(1, missing + ": there is no such file", words);
    }
  }

  @Test
  void promptAndPromptsExcludeEachOther() throws IOException {
    String prompts = file("prompts.txt", "a red circle\n").toString();
    assertRefused(2, "not both", "generate", "a red circle", "--prompts", prompts);
    assertRefused(2, "not both", "edit", "make it red", "-i", "a.png", "--prompts", prompts);
  }

  @Test
  void promptFilesAreChecked() throws IOException {
    String missing = folder.resolve("missing.txt").toString();
    assertRefused(2, "there is no prompts file " + missing, "generate", "--prompts", missing);
    assertRefused(2, "is a directory", "generate", "--prompts", folder.toString());
    String empty = file("empty.txt", "\n  \r\n\n").toString();
    assertRefused(2, "holds no prompt", "generate", "--prompts", empty);

    Path latin = folder.resolve("latin.txt");
    Files.write(latin, "a red circle\nein Äpfelchen\n".getBytes(StandardCharsets.ISO_8859_1));
    assertRefused(2, "line 2 holds byte 0xc4", "generate", "--prompts", latin.toString());
  }

  @Test
  void tooManyPicturesAreRefused() throws IOException {
    String prompts = file("prompts.txt", "a red circle\n".repeat(11)).toString();
    assertRefused(
        2, "more than 100000 pictures", "generate", "--prompts", prompts, "--count", "10000");
  }

  @ParameterizedTest
  @ValueSource(strings = {"picture.jpg", "picture", "picture.png.txt"})
  void picturesArePngs(String name) {
    String output = folder.resolve(name).toString();
    assertRefused(2, "expected a name that ends in .png", "generate", "a cross", "-o", output);
  }

  @Test
  void anUnwritablePlaceIsFoundBeforeTheModelIsOpened() throws IOException {
    String[] places = {
      folder.resolve("missing").resolve("picture.png").toString(),
      folder.resolve("missing") + "/",
      file("file", "").resolve("picture.png").toString()
    };
    for (String place : places) {
      assertRefused(1, "can't write ", "generate", "a cross", "--model", "nowhere", "-o", place);
    }
    Path noise = folder.resolve("noise.safetensors");
    Files.write(noise, SafetensorsTest.file(SafetensorsTest.noise(1, 2, 2)));
    assertRefused(
        1,
        "can't write ",
        "trace",
        "--model=nowhere",
        "--prompt=a cross",
        "--noise=" + noise,
        "--out=" + places[0]);
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(2, files.count(), "only the two files of this test");
    }
  }

  @Test
  void theDemoIsTheDefaultOnlyWhereItIsKnown() {
    String output = folder.resolve("picture.png").toString();
    assertRefused(2, "name one with --model DIR", "generate", "a cross", "-o", output);
    assertRefused(2, "name one with DIR", "inspect");
  }

  @ParameterizedTest
  @CsvSource({
    "--concurrency, 0, --concurrency must be between 1 and 256",
    "--concurrency, 257, --concurrency must be between 1 and 256",
    "--rounds, 0, --rounds must be between 1 and 1000",
    "--requests, 0, --requests must be between 1 and 1000000",
    "--rate, 0, --rate must be above 0",
    "--rate, NaN, --rate must be above 0",
    "--rate, Infinity, --rate must be above 0",
    "--deadline, 0, --deadline must be above 0",
    "--deadline, 1e9, --deadline must be above 0 and at most 1000000",
    "--deadline, soon, 'soon' is not a number",
    "--steps, 0, --steps must be between 1 and 1000",
    "--guidance, 0.5, --guidance must be between 1",
    "--threads, -1, --threads must be between 0",
    "--compute, fp16, 'fp16' is none of auto",
    "--device, gpu, 'gpu' is none of auto",
    "--quantize, int4, 'int4' is none of int8",
    "--seed, -1, '-1' is no seed"
  })
  void aBenchmarkNamesTheOption(String option, String value, String part) {
    assertRefused(2, part, "bench", "serve", "--model=nowhere", option, value);
    assertRefused(2, option, "bench", "serve", "--model=nowhere", option, value);
  }

  @Test
  void aBenchmarkFindsWrongFilesFirst() throws IOException {
    String missing = folder.resolve("missing").resolve("a.json").toString();
    assertRefused(1, "can't write ", "bench", "serve", "--model=nowhere", "--json", missing);
    assertRefused(
        2, "there is no prompts file", "bench", "serve", "--model=nowhere", "--prompts", missing);
    file("prompts.json", "{}");
    assertRefused(1, "prompts must be an array of texts", "bench", "serve", "--model=" + folder);
    assertRefused(2, "name one with --model DIR", "bench", "serve");
  }

  @ParameterizedTest
  @CsvSource({
    "--port, 65536, --port must be between 0 and 65535",
    "--port, http, 'http' is no whole number",
    "--key-concurrency, -1, --key-concurrency must be between 0",
    "--key-rate, -1, --key-rate must be between 0",
    "--queue, 0, --queue must be between 1",
    "--max-request, 1, --max-request must be between 1024",
    "--max-request, much, 'much' is no size",
    "--max-pixels, 0, --max-pixels must be between 1",
    "--url-ttl, 0s, --url-ttl must be between",
    "--url-ttl, soon, 'soon' is no length of time",
    "--url-memory, all, 'all' is no size",
    "--drain-timeout, 8d, --drain-timeout must be between",
    "--read-timeout, 0, --read-timeout must be between",
    "--keep-alive, 0, --keep-alive must be between",
    "--public-url, ftp://example.org, --public-url must be an address such as https:",
    "--public-url, a b, 'a b' is no address",
    "--log, loud, 'loud' is none of error",
    "--device, gpu, 'gpu' is none of auto"
  })
  void aServerNamesTheOption(String option, String value, String part) {
    assertRefused(2, part, "serve", "--model=nowhere", option, value);
    assertRefused(2, option, "serve", "--model=nowhere", option, value);
  }

  @Test
  void aServerFindsWrongKeysBeforeTheModelIsOpened() throws IOException {
    String keys = file("keys.txt", "bob short\n").toString();
    assertRefused(
        2, keys + ", line 1: a key must have", "serve", "--model=nowhere", "--keys", keys);
    String missing = folder.resolve("missing").toString();
    assertRefused(
        2,
        "keys file " + missing + ": there is no such",
        "serve",
        "--model=nowhere",
        "--keys",
        missing);
    assertRefused(2, "name one with --model DIR", "serve");
  }

  @Test
  void aTraceNeedsPromptNoiseAndPlace() {
    assertRefused(2, "'--prompt=TEXT', '--noise=FILE', '--out=FILE'", "trace");
  }

  @Test
  void aTraceNamesWhatIsWrongWithTheNoise() throws IOException {
    Path missing = folder.resolve("missing.safetensors");
    assertNoiseRefused(missing, missing + ": there is no such file");

    Path other = folder.resolve("other.safetensors");
    Files.write(other, SafetensorsTest.file(SafetensorsTest.f32("nose", new float[1], 1L)));
    assertNoiseRefused(other, other + ": there is no tensor 'noise'; the file holds [nose]");

    Path flat = folder.resolve("flat.safetensors");
    Files.write(flat, SafetensorsTest.file(SafetensorsTest.f32("noise", new float[4], 4L)));
    assertNoiseRefused(flat, flat + ": tensor 'noise' must have 3 axes, but has the shape [4]");
  }

  private void assertNoiseRefused(Path noise, String part) {
    assertRefused(
        1,
        part,
        "trace",
        "--model=nowhere",
        "--prompt=a cross",
        "--noise=" + noise,
        "--out=" + folder.resolve("trace.safetensors"));
  }

  @Test
  void stackTracesNeedVerbose() {
    String[] words = {"generate", "a cross", "-o", folder.resolve("missing/a.png").toString()};
    Run first = Run.of("--verbose", words[0], words[1], "--model=x", words[2], words[3]);
    Run last = Run.of(words[0], words[1], "--model=x", words[2], words[3], "--verbose");
    for (Run run : new Run[] {first, last}) {
      assertEquals(1, run.code());
      assertTrue(run.err().contains("\tat dev.blip3o."), run.err());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "generate",
        "edit",
        "serve",
        "inspect",
        "trace",
        "bench",
        "bench serve",
        "train"
      })
  void helpTellsAll(String command) {
    Run run = Run.of((command + " --help").strip().split(" "));
    assertEquals(0, run.code());
    assertEquals("", run.err());
    assertTrue(run.out().contains("Example"), run.out());
    assertFalse(run.out().contains("${"), run.out());
    assertFalse(run.out().contains("%n"), run.out());
    run.out().lines().forEach(line -> assertTrue(line.length() <= 80, line));
  }

  @Test
  void editKnowsTheOptionsOfGenerate() {
    List<String> edit = options(Run.of("edit", "--help").out());
    List<String> generate = options(Run.of("generate", "--help").out());
    assertTrue(generate.size() > 15, generate.toString());
    for (String option : generate) {
      assertTrue(edit.contains(option) || option.equals("--from"), option + " not in " + edit);
    }
  }

  private static List<String> options(String help) {
    return Pattern.compile("^ .*?(--[a-z-]+)", Pattern.MULTILINE)
        .matcher(help)
        .results()
        .map(option -> option.group(1))
        .distinct()
        .toList();
  }
}
