package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerCheckTest {
  @TempDir Path folder;

  private Optional<String> lack(String tokens) throws IOException {
    String json = "{\"version\": {\"a\": [1]}, \"added_tokens\": [" + tokens + "], \"model\": {}}";
    Files.writeString(folder.resolve("tokenizer.json"), json);
    return TokenizerCheck.editingLack(folder);
  }

  private static String token(String content, long id) {
    return "{\"id\": " + id + ", \"content\": \"" + content + "\", \"more\": [{\"id\": -1}]}";
  }

  @Test
  void bothTokensAreNeeded() throws IOException {
    String start = token("<|vision_start|>", 0);
    String end = token("<|vision_end|>", 7);
    assertEquals(Optional.empty(), lack(start + "," + token("<|im_end|>", 1) + "," + end));
    assertTrue(lack(start).orElseThrow().contains("the token <|vision_end|> with an id"));
    assertTrue(lack(end).orElseThrow().contains("the token <|vision_start|> with an id"));
    assertTrue(lack("").orElseThrow().contains("<|vision_start|>"));
    assertTrue(lack(token("<|vision_start|>", -1) + "," + end).isPresent());
  }

  @Test
  void aFileThatCannotBeReadIsNamed() throws IOException {
    String name = folder.resolve("tokenizer.json").toString();
    assertEquals(Optional.of(name + ": there is no such file"), TokenizerCheck.editingLack(folder));
    String broken = lack("{").orElseThrow();
    assertTrue(broken.startsWith(name + ": not valid JSON"), broken);
    assertEquals(1, broken.lines().count(), broken);
  }
}
