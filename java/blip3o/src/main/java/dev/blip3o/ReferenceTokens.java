package dev.blip3o;

import java.util.Arrays;
import java.util.List;

/** Where the tokens of reference pictures stand in a prompt. */
final class ReferenceTokens {
  /** A prompt id that stands for the next reference token: {@code BLIP3O_REFERENCE_TOKEN}. */
  private static final int PLACEHOLDER = -1;

  private ReferenceTokens() {}

  /** Placeholders for tokens that the library will fill in. */
  static int[] placeholders(int count) {
    int[] ids = new int[count];
    Arrays.fill(ids, PLACEHOLDER);
    return ids;
  }

  /** The vocabulary ids of known tokens, one reference after the other. */
  static int[] ids(List<int[]> tokens, int imageTokenFirst) {
    return tokens.stream()
        .flatMapToInt(Arrays::stream)
        .map(token -> imageTokenFirst + token)
        .toArray();
  }

  /** A prompt whose placeholders are the ids of {@code tokens}, in their order. */
  static int[] fillIn(int[] prompt, int[] tokens, int imageTokenFirst) {
    int[] ids = prompt.clone();
    int next = 0;
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] == PLACEHOLDER) {
        ids[i] = imageTokenFirst + tokens[next++];
      }
    }
    return ids;
  }
}
