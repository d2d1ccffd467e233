package dev.blip3o.bench;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A byte-level BPE vocabulary: the 256 bytes as GPT-2 spells them, and the merges that training on
 * a few words yields. With the words of the prompt template a prompt has about the length that a
 * real vocabulary would give it.
 */
final class BytePairVocabulary {
  private final Map<String, Integer> ids = new LinkedHashMap<>();
  private final List<List<String>> merges = new ArrayList<>();

  private BytePairVocabulary() {}

  /**
   * Merges the most frequent pair, the first met on a tie, until every word is one token, and fills
   * the vocabulary with entries that no merge yields: added tokens come after it, and their ids
   * have to follow without a gap.
   */
  static BytePairVocabulary train(List<String> words, int size) {
    BytePairVocabulary vocabulary = new BytePairVocabulary();
    for (int b = 0; b < 256; b++) {
      vocabulary.add(String.valueOf(spelling(b)));
    }
    List<List<String>> pieces = new ArrayList<>();
    for (String word : words) {
      List<String> bytes = new ArrayList<>();
      for (byte b : word.getBytes(StandardCharsets.UTF_8)) {
        bytes.add(String.valueOf(spelling(b & 0xFF)));
      }
      pieces.add(bytes);
    }
    while (vocabulary.ids.size() < size) {
      List<String> pair = mostFrequentPair(pieces);
      if (pair == null) {
        break;
      }
      vocabulary.merges.add(pair);
      vocabulary.add(pair.get(0) + pair.get(1));
      pieces.forEach(word -> merge(word, pair));
    }
    for (int unused = 0; vocabulary.ids.size() < size; unused++) {
      vocabulary.add("unused" + unused);
    }
    return vocabulary;
  }

  Map<String, Integer> ids() {
    return ids;
  }

  List<List<String>> merges() {
    return merges;
  }

  private void add(String token) {
    ids.putIfAbsent(token, ids.size());
  }

  private static List<String> mostFrequentPair(List<List<String>> words) {
    Map<List<String>, Integer> counts = new LinkedHashMap<>();
    for (List<String> word : words) {
      for (int i = 0; i + 1 < word.size(); i++) {
        counts.merge(List.of(word.get(i), word.get(i + 1)), 1, Integer::sum);
      }
    }
    List<String> best = null;
    for (Map.Entry<List<String>, Integer> entry : counts.entrySet()) {
      if (best == null || entry.getValue() > counts.get(best)) {
        best = entry.getKey();
      }
    }
    return best;
  }

  private static void merge(List<String> word, List<String> pair) {
    for (int i = 0; i + 1 < word.size(); i++) {
      if (word.get(i).equals(pair.get(0)) && word.get(i + 1).equals(pair.get(1))) {
        word.set(i, pair.get(0) + pair.get(1));
        word.remove(i + 1);
      }
    }
  }

  /** GPT-2 {@code encoder.py: bytes_to_unicode}: printable bytes stand for themselves. */
  static char spelling(int b) {
    return SPELLINGS.get(b);
  }

  private static final Map<Integer, Character> SPELLINGS = spellings();

  private static Map<Integer, Character> spellings() {
    Map<Integer, Character> map = new HashMap<>();
    int next = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
      map.put(b, (char) (printable ? b : next++));
    }
    return map;
  }
}
