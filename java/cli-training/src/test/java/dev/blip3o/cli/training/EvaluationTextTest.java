package dev.blip3o.cli.training;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.blip3o.training.EvaluationResult;
import dev.blip3o.training.EvaluationResult.Share;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EvaluationTextTest {
  private static final EvaluationResult RESULT =
      new EvaluationResult(new Share(4, 0.75, 0.25), Map.of("one", new Share(1, 1, 0)));

  @Test
  void peopleReadLines() {
    assertEquals(
        List.of("mean reward 0.7500 ± 0.2500 of 4 prompts", "  one: 1.0000 ± 0.0000 of 1 prompt"),
        EvaluationText.lines(RESULT));
  }

  @Test
  void programsReadOneLine() {
    assertEquals(
        "{\"model\":\"m\",\"reward\":\"scenes\",\"seed\":\"18446744073709551615\",\"count\":4,"
            + "\"mean\":0.75,\"standard_error\":0.25,"
            + "\"kinds\":{\"one\":{\"count\":1,\"mean\":1.0,\"standard_error\":0.0}}}",
        EvaluationText.json(RESULT, Path.of("m"), "scenes", -1));
  }
}
