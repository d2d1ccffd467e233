package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.blip3o.bindings.Blip3o;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReferenceTokensTest {
  @Test
  void placeholdersAreTheLibrarys() {
    int[] ids = ReferenceTokens.placeholders(3);
    assertEquals(3, ids.length);
    assertEquals(Blip3o.BLIP3O_REFERENCE_TOKEN, ids[2]);
  }

  @Test
  void tokensBecomeIdsInTheirOrder() {
    assertArrayEquals(
        new int[] {105, 100, 107},
        ReferenceTokens.ids(List.of(new int[] {5, 0}, new int[] {7}), 100));
    assertArrayEquals(
        new int[] {1, 105, 100, 2, 107},
        ReferenceTokens.fillIn(new int[] {1, -1, -1, 2, -1}, new int[] {5, 0, 7}, 100));
  }
}
