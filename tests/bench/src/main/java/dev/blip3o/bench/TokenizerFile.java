package dev.blip3o.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The {@code tokenizer.json} of a random checkpoint: Qwen's form with a small vocabulary. */
final class TokenizerFile {
  private static final String WORDS =
      "system You are a helpful assistant. user Please generate image based on the following"
          + " caption: edit this these image images according instruction: make change replace"
          + " remove add red green blue yellow purple orange white black gray circle square"
          + " triangle star cross small large two three above below left right of to and with in at"
          + " an on is photo picture background cat dog house tree mountain river";

  /** Qwen2's pattern: contractions, words, single digits, punctuation, line ends, spaces. */
  private static final String SPLIT =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+"
          + "[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  private static final List<String> CHAT_TOKENS =
      List.of(
          "<|im_end|>",
          "<|endoftext|>",
          "<|im_start|>",
          "<|vision_start|>",
          "<|vision_end|>",
          "<|image_pad|>");

  private TokenizerFile() {}

  static String json(CheckpointSizes sizes) {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("version", "1.0");
    root.put("truncation", null);
    root.put("padding", null);
    root.put("added_tokens", addedTokens(sizes));
    root.put("normalizer", null);
    root.put("pre_tokenizer", preTokenizer());
    root.put("post_processor", null);
    root.put("decoder", byteLevel(true, true));
    root.put("model", model(sizes));
    return Json.of(root);
  }

  private static List<Object> addedTokens(CheckpointSizes sizes) {
    List<Object> tokens = new ArrayList<>();
    int id = sizes.firstChatToken();
    for (String token : CHAT_TOKENS) {
      tokens.add(added(id++, token));
    }
    for (String token : List.of("<im_start>", "<im_end>", "<S0>", "<S1>", "<S2>")) {
      tokens.add(added(id++, token));
    }
    for (int code = 0; code < sizes.codes(); code++) {
      tokens.add(added(id++, "<I" + code + ">"));
    }
    return tokens;
  }

  private static Map<String, Object> added(int id, String content) {
    Map<String, Object> token = new LinkedHashMap<>();
    token.put("id", id);
    token.put("content", content);
    token.put("single_word", false);
    token.put("lstrip", false);
    token.put("rstrip", false);
    token.put("normalized", false);
    token.put("special", true);
    return token;
  }

  private static Map<String, Object> preTokenizer() {
    Map<String, Object> split = new LinkedHashMap<>();
    split.put("type", "Split");
    split.put("pattern", Map.of("Regex", SPLIT));
    split.put("behavior", "Isolated");
    split.put("invert", false);
    Map<String, Object> sequence = new LinkedHashMap<>();
    sequence.put("type", "Sequence");
    sequence.put("pretokenizers", List.of(split, byteLevel(false, false)));
    return sequence;
  }

  private static Map<String, Object> byteLevel(boolean addPrefixSpace, boolean useRegex) {
    Map<String, Object> step = new LinkedHashMap<>();
    step.put("type", "ByteLevel");
    step.put("add_prefix_space", addPrefixSpace);
    step.put("trim_offsets", true);
    step.put("use_regex", useRegex);
    return step;
  }

  private static Map<String, Object> model(CheckpointSizes sizes) {
    List<String> words = new ArrayList<>();
    for (String word : WORDS.split(" ")) {
      words.add(word);
      words.add(" " + word);
    }
    BytePairVocabulary vocabulary = BytePairVocabulary.train(words, sizes.firstChatToken());
    Map<String, Object> model = new LinkedHashMap<>();
    model.put("type", "BPE");
    model.put("dropout", null);
    model.put("unk_token", null);
    model.put("continuing_subword_prefix", null);
    model.put("end_of_word_suffix", null);
    model.put("fuse_unk", false);
    model.put("byte_fallback", false);
    model.put("ignore_merges", false);
    model.put("vocab", vocabulary.ids());
    model.put("merges", vocabulary.merges());
    return model;
  }
}
