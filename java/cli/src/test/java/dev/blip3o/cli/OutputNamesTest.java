package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputNamesTest {
  @TempDir Path folder;

  /** The pictures of a run whose first seed is 2^64 - 1. */
  private static List<String> names(String output, int prompts, int count) {
    return names(output, "picture", prompts, count);
  }

  private static List<String> names(String output, String usual, int prompts, int count) {
    List<OutputNames.Picture> pictures = new ArrayList<>();
    for (int i = 0; i < prompts * count; i++) {
      pictures.add(
          new OutputNames.Picture(i + 1, prompts * count, i / count + 1, prompts, -1L + i));
    }
    return OutputNames.of(output, usual, pictures).stream().map(Path::toString).toList();
  }

  @Test
  void onePictureHasTheNameGiven() {
    assertEquals(List.of("a/b.png"), names("a/b.png", 1, 1));
    assertEquals(List.of("B.PNG"), names("B.PNG", 1, 1));
  }

  @Test
  void severalPicturesAreNumbered() {
    assertEquals(List.of("a-1.png", "a-2.png", "a-3.png"), names("a.png", 3, 1));
    List<String> ten = names("a.png", 5, 2);
    assertEquals("a-01.png", ten.get(0));
    assertEquals("a-10.png", ten.get(9));
    assertEquals(ten, ten.stream().sorted().toList());
  }

  @Test
  void directoriesHoldPictures() {
    String existing = folder.toString();
    assertEquals(List.of(existing + "/picture.png"), names(existing, 1, 1));
    assertEquals(
        List.of(existing + "/picture-1.png", existing + "/picture-2.png"), names(existing, 1, 2));
    assertEquals(List.of("none/picture.png"), names("none/", 1, 1));
    assertEquals(List.of("none/edited.png"), names("none/", "edited", 1, 1));
    assertEquals(
        List.of(existing + "/edited-1.png", existing + "/edited-2.png"),
        names(existing, "edited", 2, 1));
    assertEquals(List.of("{x}/picture.png"), names("{x}/", 1, 1));
  }

  @Test
  void patternsAreFilledIn() {
    assertEquals(
        List.of("1-18446744073709551615.png", "1-0.png", "2-1.png", "2-2.png"),
        names("{prompt}-{seed}.png", 2, 2));
    assertEquals("d01/01.png", names("d{prompt}/{number}.png", 10, 1).get(0));
    assertEquals(List.of("1.png"), names("{number}.png", 1, 1));
  }

  @Test
  void equalNamesAreRefused() {
    UsageException e = assertThrows(UsageException.class, () -> names("{prompt}.png", 2, 2));
    assertEquals("pictures 1 and 2 would both be 1.png: put {number} into -o", e.getMessage());
  }

  @Test
  void anEmptyNameIsRefused() {
    UsageException e = assertThrows(UsageException.class, () -> names("", 1, 1));
    assertTrue(e.getMessage().contains("the name is empty"), e.getMessage());
  }

  @Test
  void unknownWordsInBracesAreRefused() {
    UsageException e = assertThrows(UsageException.class, () -> names("{index}.png", 1, 1));
    assertTrue(e.getMessage().contains("{index} is none of {number}"), e.getMessage());
  }
}
