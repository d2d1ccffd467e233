package dev.blip3o;

import java.awt.image.BufferedImage;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A finished picture: its pixels and how they came to be.
 *
 * <p>Immutable; holds no native memory, so it outlives its model.
 */
public final class GeneratedImage {
  private final Pixels pixels;
  private final PictureRequest request;
  private final int[] tokens;
  private final Timings timings;
  private final LogProbabilities logProbabilities;
  private final long languageModelVersion;

  /**
   * A picture.
   *
   * @param logProbabilities null where nobody asked for them
   */
  GeneratedImage(
      Pixels pixels,
      PictureRequest request,
      int[] tokens,
      Timings timings,
      LogProbabilities logProbabilities,
      long languageModelVersion) {
    this.pixels = Objects.requireNonNull(pixels, "pixels");
    this.request = Objects.requireNonNull(request, "request");
    this.tokens = Objects.requireNonNull(tokens, "tokens");
    this.timings = Objects.requireNonNull(timings, "timings");
    this.logProbabilities = logProbabilities;
    this.languageModelVersion = languageModelVersion;
    request.seed().orElseThrow();
  }

  /** The pixels. */
  public Pixels pixels() {
    return pixels;
  }

  /** Width in pixels. */
  public int width() {
    return pixels.width();
  }

  /** Height in pixels. */
  public int height() {
    return pixels.height();
  }

  /** The bytes, {@code [height, width, 3]}, red, green, blue. A read-only view. */
  public ByteBuffer rgb() {
    return pixels.rgb();
  }

  /** This picture's own seed. A request of it for one picture gives the same picture again. */
  public long seed() {
    return request.seed().getAsLong();
  }

  /**
   * The {@link ImageRequest} or {@link EditRequest} that this one picture answers: its own seed,
   * count 1 and every default filled in. Run again on the same checkpoint it gives the same
   * picture.
   */
  public PictureRequest request() {
    return request;
  }

  /** The image tokens, {@code [N]}, without offset. A copy. */
  public int[] tokens() {
    return tokens.clone();
  }

  /** Where the time went. */
  public Timings timings() {
    return timings;
  }

  /** How likely the tokens were, where the request asked for it. */
  public Optional<LogProbabilities> logProbabilities() {
    return Optional.ofNullable(logProbabilities);
  }

  /**
   * Which version of the language model made the picture: 0 is the checkpoint's own, others are
   * those that {@link Blip3oModel#updateLanguageModel} told.
   */
  public long languageModelVersion() {
    return languageModelVersion;
  }

  /** A copy as an image of type {@link BufferedImage#TYPE_INT_RGB}. */
  public BufferedImage toBufferedImage() {
    return pixels.toBufferedImage();
  }

  /**
   * Writes a PNG whose text chunks carry {@link #settings}. The file appears whole or not at all.
   *
   * @param path where to; an existing file is replaced
   * @throws OutputException if it can't be written; {@link OutputFile#at} finds out before the work
   *     starts
   */
  public void writePng(Path path) {
    pixels.writePng(path, settings());
  }

  /** A PNG in memory: the bytes that {@link #writePng} writes. */
  public byte[] png() {
    return pixels.png(settings());
  }

  /**
   * What {@link #writePng} notes in the file, by PNG keyword, in this order. {@link
   * PictureSettings#readPng} reads them.
   *
   * <ul>
   *   <li>{@code Software}, {@code prompt} (an edit's instruction), {@code seed} (unsigned), {@code
   *       steps}, {@code guidance};
   *   <li>{@code temperature}, {@code top_k}, {@code top_p}: where the tokens were drawn;
   *   <li>{@code strength}: where the request has one;
   *   <li>{@code operation} ({@code edit}) and {@code references} (how many): of edits;
   *   <li>{@code initial}, {@code mask}: where there are such pictures, the first 16 hexadecimal
   *       digits of the SHA-256 of their samples, {@link InputImage#bytes};
   *   <li>{@code tokens_kept} ({@code true}): where the request gave the tokens;
   *   <li>{@code tokens}: the image tokens, with commas between.
   * </ul>
   */
  public Map<String, String> settings() {
    Map<String, String> text = new LinkedHashMap<>();
    text.put("Software", "blip3o-java");
    text.put("prompt", request.prompt());
    text.put("seed", Long.toUnsignedString(seed()));
    request.steps().ifPresent(value -> text.put("steps", Integer.toString(value)));
    request.guidance().ifPresent(value -> text.put("guidance", Double.toString(value)));
    boolean kept = request.tokens().isPresent();
    if (!kept) {
      request.temperature().ifPresent(value -> text.put("temperature", Double.toString(value)));
      request.topK().ifPresent(value -> text.put("top_k", Integer.toString(value)));
      request.topP().ifPresent(value -> text.put("top_p", Double.toString(value)));
    }
    request.strength().ifPresent(value -> text.put("strength", Double.toString(value)));
    if (request instanceof EditRequest edit) {
      text.put("operation", "edit");
      text.put("references", Integer.toString(edit.references().size()));
    }
    request.initial().ifPresent(image -> text.put("initial", image.fingerprint()));
    request.mask().ifPresent(image -> text.put("mask", image.fingerprint()));
    if (kept) {
      text.put("tokens_kept", "true");
    }
    text.put(
        "tokens",
        IntStream.of(tokens).mapToObj(Integer::toString).collect(Collectors.joining(",")));
    return text;
  }

  @Override
  public String toString() {
    return "GeneratedImage[" + width() + "x" + height() + ", seed " + seed() + "]";
  }
}
