package dev.blip3o.server.limits;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.InvalidRequestException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class ApiKeysTest {
  private static final String ALICES = "sk-alice-0123456789";
  private static final String SECOND = "sk-second-0123456789";

  @TempDir Path folder;

  private final ApiKeys keys =
      ApiKeys.parse(List.of("# keys", "", "alice  " + ALICES, "\t" + SECOND + " "), "the keys");

  @Test
  void aKeyHasItsOwner() {
    assertEquals(Optional.of("alice"), keys.owner("Bearer " + ALICES));
    assertEquals(Optional.of("key-2"), keys.owner("bearer  " + SECOND));
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(
      strings = {
        "",
        "Bearer",
        "Bearer ",
        "Bearer sk-alice-012345678",
        "Bearer sk-alice-01234567890",
        "Bearer alice",
        "Basic sk-alice-0123456789",
        "sk-alice-0123456789"
      })
  void nothingElseHas(String authorization) {
    assertEquals(Optional.empty(), keys.owner(authorization));
  }

  @Test
  void whatIsWrongIsNamedWithoutTheKey() {
    assertRefused("the keys holds no key", "# none");
    assertRefused(
        "the keys, line 2: a key must have 16 characters or more, but", "", "short-secret");
    assertRefused("line 1: expected a key, or a name and a key, but found 3", "a b short-secret");
    assertRefused("line 2: this key stands there a second time", "a " + ALICES, "b " + ALICES);
    assertRefused("line 2: its name stands there", "a " + ALICES, "a " + SECOND);
  }

  private static void assertRefused(String part, String... lines) {
    InvalidRequestException refusal =
        assertThrows(
            InvalidRequestException.class, () -> ApiKeys.parse(List.of(lines), "the keys"));
    assertTrue(refusal.getMessage().contains(part), refusal.getMessage());
    assertFalse(refusal.getMessage().contains("secret"), refusal.getMessage());
    assertFalse(refusal.getMessage().contains(ALICES), refusal.getMessage());
  }

  @Test
  void aFileIsRead() throws IOException {
    Path file = Files.writeString(folder.resolve("keys"), ALICES + "\n");
    ApiKeys read = ApiKeys.read(file);
    assertEquals(Optional.of("key-1"), read.owner("Bearer " + ALICES));
    assertEquals("ApiKeys[1]", read.toString());
  }

  @Test
  void aFileThatCantBeReadIsNamed() throws IOException {
    Path latin = folder.resolve("latin");
    Files.write(latin, "Äpfel 0123456789abcdef".getBytes(StandardCharsets.ISO_8859_1));
    for (Path file : List.of(folder, folder.resolve("missing"), latin)) {
      InvalidRequestException refusal =
          assertThrows(InvalidRequestException.class, () -> ApiKeys.read(file));
      assertTrue(refusal.getMessage().contains("keys file " + file), refusal.getMessage());
    }
  }
}
