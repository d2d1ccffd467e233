package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PromptFileTest {
  @TempDir Path folder;

  @Test
  void blankLinesMarksAndLineEndsDoNotCount() throws IOException {
    Path file = folder.resolve("prompts.txt");
    Files.writeString(file, "\uFEFFa red circle\r\n\n  zwei Äpfel 🍎  \n\t\nthe last");
    assertEquals(List.of("a red circle", "zwei Äpfel 🍎", "the last"), PromptFile.read(file));
  }
}
