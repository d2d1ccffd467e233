package dev.blip3o;

import java.util.Objects;
import java.util.Optional;

/**
 * What an open checkpoint can do beyond text to image. Where it can't, one sentence names what is
 * missing; a request for it throws {@link UnsupportedException} with that sentence.
 *
 * @param referenceTokensLack why it can't turn pictures into image tokens
 * @param referenceLatentsLack why it can't turn pictures into latents, which image to image needs
 * @param editingLacks why it can't edit
 */
public record Capabilities(
    Optional<String> referenceTokensLack,
    Optional<String> referenceLatentsLack,
    Optional<String> editingLacks) {

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

  /** Throws where something is missing. */
  static void require(Optional<String> lack) {
    lack.ifPresent(
        sentence -> {
          throw new UnsupportedException(sentence);
        });
  }
}
