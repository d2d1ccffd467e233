package dev.blip3o.training.rewards;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RewardSpecTest {
  private static final Duration PATIENT = Duration.ofSeconds(60);

  @ParameterizedTest
  @CsvSource({
    "scenes, 1, scenes",
    "0.5*scenes-whole, 0.5, scenes-whole",
    "-2*ocr:deu, -2, ocr:deu",
    "process:python3 score.py --fast, 1, process:python3 score.py --fast",
    "1e-1*http://127.0.0.1:8000/score?a=2*3, 0.1, http://127.0.0.1:8000/score?a=2*3"
  })
  void specsAreRead(String text, double weight, String kind) {
    assertEquals(new RewardSpec(weight, kind), RewardSpec.parse(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "beauty", "e*scenes", "scenes*2", "process:", "ftp://a", "ocr:"})
  void othersAreRefused(String text) {
    assertThrows(IllegalArgumentException.class, () -> RewardSpec.parse(text));
  }

  @Test
  void severalAreASum() {
    List<RewardSpec> specs =
        List.of(RewardSpec.parse("scenes"), RewardSpec.parse("2*process:sh -c cat"));
    try (Reward one = RewardSpec.open(specs.subList(0, 1), PATIENT);
        Reward sum = RewardSpec.open(specs, PATIENT)) {
      assertEquals("scenes", one.name());
      assertEquals("1.0*scenes + 2.0*process", sum.name());
    }
  }

  @Test
  void whatCannotBeOpenedIsNamed() {
    List<RewardSpec> specs =
        List.of(RewardSpec.parse("scenes"), RewardSpec.parse("process:no-such-program-at-all"));
    RewardContractException e =
        assertThrows(RewardContractException.class, () -> RewardSpec.open(specs, PATIENT).close());
    assertTrue(e.getMessage().contains("no-such-program-at-all"), e.getMessage());
  }
}
