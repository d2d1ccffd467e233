package dev.blip3o.server.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.server.openai.ApiException;
import org.junit.jupiter.api.Test;

class SubmitterTest {
  @Test
  void thereAreNeverMorePreviewsThanWereAskedFor() {
    for (int previews = 1; previews <= 3; previews++) {
      for (int steps = 1; steps <= 1000; steps++) {
        int made = (steps - 1) / Submitter.previewEvery(steps, previews);
        assertTrue(made <= previews, made + " of " + steps + " steps");
        assertTrue(made > 0 || steps == 1, "none of " + steps + " steps");
      }
    }
    assertEquals(8, Submitter.previewEvery(30, 3));
  }

  @Test
  void whatIsHeldIsGivenBackOnce() {
    MemoryBudget memory = new MemoryBudget(100);
    PictureCall first = new PictureCall(memory);
    PictureCall second = new PictureCall(memory);
    first.hold(60);
    second.hold(40);
    ApiException refusal = assertThrows(ApiException.class, () -> second.hold(1));
    assertEquals(503, refusal.status());
    first.end();
    first.end();
    assertEquals(40, memory.taken());
    assertTrue(first.over());
    first.hold(1000);
    second.end();
    assertEquals(0, memory.taken());
    assertFalse(memory.take(101));
  }
}
