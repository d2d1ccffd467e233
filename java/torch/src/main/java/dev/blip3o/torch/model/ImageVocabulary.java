package dev.blip3o.torch.model;

import dev.blip3o.ModelInfo;

/**
 * Which ids of the vocabulary are image tokens.
 *
 * @param first the id of image code 0
 * @param codes how many there are
 */
public record ImageVocabulary(int first, int codes) {
  /** That of an open model. */
  public static ImageVocabulary of(ModelInfo info) {
    return new ImageVocabulary(info.imageTokenFirst(), info.imageCodes());
  }
}
