package dev.blip3o;

import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/**
 * What an open checkpoint can do beyond text to image. Where it can't, one sentence names what is
 * missing; a request for it throws {@link UnsupportedException} with that sentence, the
 * checkpoint's directory and what to do.
 *
 * @param referenceTokensLack why it can't turn pictures into image tokens
 * @param referenceLatentsLack why it can't turn pictures into latents, which image to image needs
 * @param editingLacks why it can't edit
 */
public record Capabilities(
    Optional<String> referenceTokensLack,
    Optional<String> referenceLatentsLack,
    Optional<String> editingLacks) {

  private static final String REMEDY =
      "; use a checkpoint that was trained for editing (weights/README.md says which)";

  /** How the native library begins where the checkpoint is complete. */
  private static final String OF_THE_MODEL = "this model ";

  /** Checks that nothing is null. */
  public Capabilities {
    Objects.requireNonNull(referenceTokensLack, "referenceTokensLack");
    Objects.requireNonNull(referenceLatentsLack, "referenceLatentsLack");
    Objects.requireNonNull(editingLacks, "editingLacks");
  }

  /** Whether pictures can be turned into image tokens: {@link Stages#referenceTokens}. */
  public boolean referenceTokens() {
    return referenceTokensLack.isEmpty();
  }

  /** Whether pictures can be turned into latents: {@link Stages#referenceLatents}. */
  public boolean referenceLatents() {
    return referenceLatentsLack.isEmpty();
  }

  /** Whether a request may start from a picture: {@link ImageRequest#initialImage}. */
  public boolean imageToImage() {
    return referenceLatents();
  }

  /** Whether {@link Blip3oModel#edit} works. */
  public boolean editing() {
    return editingLacks.isEmpty();
  }

  /** Throws where something is missing in {@code directory}, with what to do about it. */
  static void require(Optional<String> lack, Path directory) {
    lack.ifPresent(
        sentence -> {
          throw new UnsupportedException(refusal(sentence, directory));
        });
  }

  private static String refusal(String sentence, Path directory) {
    String place = sentence.startsWith(directory.toString()) ? "" : directory + ": ";
    // What keeps an open model from it, as too little memory does, no other checkpoint mends.
    return place + sentence + (sentence.startsWith(OF_THE_MODEL) ? "" : REMEDY);
  }
}
