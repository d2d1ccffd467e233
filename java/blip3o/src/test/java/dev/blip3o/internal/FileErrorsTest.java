package dev.blip3o.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileErrorsTest {
  @Test
  void theTypeOfTheExceptionIsSaidInWords(@TempDir Path directory) {
    Path file = directory.resolve("a.png");
    String name = file.toString();
    assertSentence(name + ": no permission to read it", file, new AccessDeniedException(name));
    assertSentence(name + ": there is no such file", file, new NoSuchFileException(name));
    assertSentence(
        directory + " is a directory, but a PNG file is needed", directory, new IOException());
    assertEquals(
        Optional.empty(), FileErrors.sentence(file, new IOException("disk error"), "a PNG file"));
  }

  private static void assertSentence(String sentence, Path file, IOException e) {
    assertEquals(Optional.of(sentence), FileErrors.sentence(file, e, "a PNG file"));
  }
}
