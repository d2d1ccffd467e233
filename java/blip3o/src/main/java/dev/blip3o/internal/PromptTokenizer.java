package dev.blip3o.internal;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.blip3o.CheckpointException;
import dev.blip3o.NativeLibraryException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * Encodes prompts as the model was taught them: the chat template with the request's sentence
 * around the prompt.
 *
 * <p>The template's special tokens are put in as ids; all text between two of them is encoded in
 * one piece (byte pair encoding joins a leading space to the next word) by a tokenizer that knows
 * no added tokens. So a prompt that spells a special token stays text.
 *
 * <p>Safe for use by any thread; not to be used after {@link #close}.
 */
public final class PromptTokenizer implements AutoCloseable {
  private static final String SYSTEM = "system\nYou are a helpful assistant.";
  private static final String USER = "user\nPlease generate image based on the following caption: ";
  private static final String EDIT_ONE =
      "user\nPlease edit this image according to the following instruction: ";
  private static final String EDIT_SEVERAL =
      "user\nPlease edit these %d images according to the following instruction: ";
  private static final String EDIT_END = ".\n";
  private static final String ASSISTANT = "assistant\n";
  private static final String BETWEEN = "\n";

  private static final Map<String, String> OPTIONS =
      Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");
  private static final String OFFLINE = "ai.djl.offline";

  private final HuggingFaceTokenizer tokenizer;
  private final int visionStart;
  private final int visionEnd;
  private final Optional<String> editingLack;
  private final int[] beforeUser;
  private final int[] afterUser;

  private PromptTokenizer(HuggingFaceTokenizer tokenizer, TokenizerFile file) {
    this.tokenizer = tokenizer;
    this.visionStart = file.visionStart();
    this.visionEnd = file.visionEnd();
    this.editingLack = file.editingLack();
    int[] start = {file.chatStart()};
    int[] end = {file.chatEnd()};
    int[] between = plain(BETWEEN);
    this.beforeUser = join(start, plain(SYSTEM), end, between, start);
    this.afterUser = join(end, between, start, plain(ASSISTANT));
  }

  /**
   * Loads the tokenizer of a checkpoint directory.
   *
   * @throws CheckpointException if {@code tokenizer.json} is missing or malformed
   * @throws NativeLibraryException if the tokenizers library can't be loaded
   */
  public static PromptTokenizer load(Path directory) {
    TokenizerFile file = TokenizerFile.read(directory);
    HuggingFaceTokenizer tokenizer = offline(file);
    try {
      return new PromptTokenizer(tokenizer, file);
    } catch (RuntimeException e) {
      tokenizer.close();
      throw new CheckpointException(
          file.file() + ": can't encode the chat template: " + e.getMessage(), e);
    }
  }

  /**
   * DJL reports home when a tokenizer is made, and may download another build of its library where
   * it sees a GPU, unless it is offline. It asks a system property, which is lent to it for this
   * call only: the application's own use of DJL is not our business.
   */
  private static synchronized HuggingFaceTokenizer offline(TokenizerFile file) {
    String before = System.getProperty(OFFLINE);
    System.setProperty(OFFLINE, "true");
    try {
      return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(file.json()), OPTIONS);
    } catch (EngineException | LinkageError e) {
      throw new NativeLibraryException(
          "the Hugging Face tokenizers library can't be loaded: " + rootMessage(e), e);
    } catch (IOException | RuntimeException e) {
      throw new CheckpointException(
          file.file() + ": not a tokenizer that can be used: " + rootMessage(e), e);
    } finally {
      if (before == null) {
        System.clearProperty(OFFLINE);
      } else {
        System.setProperty(OFFLINE, before);
      }
    }
  }

  /**
   * Encodes a prompt in its template.
   *
   * @param prompt valid Unicode
   * @param imageStartTag id of {@code <im_start>}
   * @param scaleStart id of {@code <S0>}
   * @return {@code [T]} ids that end in the two
   */
  public int[] encode(String prompt, int imageStartTag, int scaleStart) {
    return join(beforeUser, plain(USER + prompt), afterUser, new int[] {imageStartTag, scaleStart});
  }

  /** Why no edit's prompt can be encoded, if it can't. */
  public Optional<String> editingLack() {
    return editingLack;
  }

  /**
   * Encodes an edit's instruction in its template. Only where there is no {@link #editingLack}.
   *
   * @param instruction valid Unicode
   * @param references how many reference pictures it speaks of
   * @param referenceIds {@code [R * N]}, what stands between {@code <|vision_start|>} and {@code
   *     <|vision_end|>}: vocabulary ids of the reference tokens, or their placeholders
   * @param imageStartTag id of {@code <im_start>}
   * @param scaleStart id of {@code <S0>}
   * @return {@code [T]} ids that end in the two
   */
  public int[] encodeEdit(
      String instruction, int references, int[] referenceIds, int imageStartTag, int scaleStart) {
    String request =
        references == 1 ? EDIT_ONE : String.format(Locale.ROOT, EDIT_SEVERAL, references);
    return join(
        beforeUser,
        plain(request + instruction + EDIT_END),
        new int[] {visionStart},
        referenceIds,
        new int[] {visionEnd},
        afterUser,
        new int[] {imageStartTag, scaleStart});
  }

  private int[] plain(String text) {
    return LongStream.of(tokenizer.encode(text, false, false).getIds())
        .mapToInt(Math::toIntExact)
        .toArray();
  }

  private static int[] join(int[]... parts) {
    return Stream.of(parts).flatMapToInt(IntStream::of).toArray();
  }

  private static String rootMessage(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root.getMessage();
  }

  /** Frees the tokenizer. A second call has no effect. */
  @Override
  public void close() {
    tokenizer.close();
  }
}
