package dev.blip3o.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.CheckpointException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenizerFileTest {
  @TempDir Path directory;

  @Test
  void addedTokensAreCutAndNothingElse() throws IOException {
    write(
        """
        {"version": "1.0 é🍎", "added_tokens": [
          {"id": 5, "content": "<|im_start|>", "special": true, "more": {"a": [1, 2]}},
          {"content": "<|im_end|>", "id": 6},
          {"content": "<|vision_end|>", "id": 7}
        ], "model": {"added_tokens": [1], "vocab": {"ä": 0}}}
        """);
    TokenizerFile file = TokenizerFile.read(directory);
    assertEquals(5, file.chatStart());
    assertEquals(6, file.chatEnd());
    assertEquals(-1, file.visionStart());
    assertEquals(7, file.visionEnd());
    assertEquals(
        """
        {"version": "1.0 é🍎", "added_tokens": [], "model": {"added_tokens": [1], "vocab": {"ä": 0}}}
        """,
        new String(file.json(), StandardCharsets.UTF_8));
  }

  @Test
  void whatAnEditsPromptLacksIsNamedAndOnlyThen() throws IOException {
    for (String lacking : new String[] {"<|vision_start|>", "<|vision_end|>", "none"}) {
      String json =
          """
          {"added_tokens": [
            {"id": 5, "content": "<|im_start|>"}, {"id": 6, "content": "<|im_end|>"},
            {"id": 7, "content": "<|vision_start|>"}, {"id": 8, "content": "<|vision_end|>"}
          ], "model": {}}
          """;
      write(json.replace(lacking, "other"));
      String found = TokenizerFile.read(directory).editingLack().orElse("none");
      assertTrue(found.contains(lacking), found);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "                                              | not valid JSON|must be a JSON object",
        "[]                                            | must be a JSON object|",
        "{\"model\": {}                                | not valid JSON at line|",
        "{\"added_tokens\": []}                        | field model must be an object|",
        "{\"model\": {}, \"added_tokens\": {}}         | field added_tokens must be an array|",
        "{\"model\": {}, \"added_tokens\": [7]}        | added_tokens[0] must be an object|",
        "{\"model\": {}, \"added_tokens\": [{\"id\":1}]} | added_tokens[0] needs a text|",
        "{\"model\": {}, \"added_tokens\": []}         | must hold the token <;im_start;>|",
        "{\"model\": {}}                               | must hold the token <;im_start;>|",
        "{\"model\": {}, \"added_tokens\": [{\"id\":-1,\"content\":\"<;im_start;>\"}]} | its id is"
            + " -1|",
      })
  void aMalformedFileIsNamedWithItsField(String json, String message, String alternative)
      throws IOException {
    write(json == null ? "" : json.replace(';', '|'));
    String found =
        assertThrows(CheckpointException.class, () -> TokenizerFile.read(directory)).getMessage();
    assertTrue(found.contains(directory.resolve("tokenizer.json").toString()), found);
    assertTrue(
        found.contains(message.replace(';', '|'))
            || alternative != null && found.contains(alternative),
        found);
  }

  @Test
  void aMissingFileIsNamed() {
    String found =
        assertThrows(CheckpointException.class, () -> TokenizerFile.read(directory)).getMessage();
    assertTrue(found.startsWith(directory.resolve("tokenizer.json") + ": there is no such"), found);
  }

  @Test
  void whatTheTokenizersLibraryRefusesIsNamed() throws IOException {
    write(
        """
        {"added_tokens": [{"id": 5, "content": "<|im_start|>"}, {"id": 6, "content": "<|im_end|>"}],
         "model": {"type": "BPE", "vocab": "none"}}
        """);
    String found =
        assertThrows(CheckpointException.class, () -> PromptTokenizer.load(directory)).getMessage();
    assertTrue(found.startsWith(directory.resolve("tokenizer.json") + ": not a tokenizer"), found);
  }

  private void write(String json) throws IOException {
    Files.writeString(directory.resolve("tokenizer.json"), json);
  }
}
