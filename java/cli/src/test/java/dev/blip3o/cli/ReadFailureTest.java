package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ReadFailureTest {
  private static final Path FILE = Path.of("a.png");

  @Test
  void theReasonIsSaidOnce() {
    assertEquals(
        "a.png: no permission to read it",
        ReadFailure.sentence(FILE, new AccessDeniedException("a.png")));
    assertEquals(
        "a.png: there is no such file",
        ReadFailure.sentence(FILE, new NoSuchFileException("a.png")));
    assertEquals(
        "a.png: can't be read: Input/output error",
        ReadFailure.sentence(FILE, new IOException("Input/output error")));
  }
}
