package dev.blip3o.training;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.blip3o.support.Repository;
import dev.blip3o.training.prompts.PromptsFile;
import dev.blip3o.training.prompts.TrainingPrompt;
import dev.blip3o.training.scenes.Caption;
import dev.blip3o.training.scenes.SceneSampler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The demo's prompts: those that are trained on, and those that measure what came of it. */
class DemoPromptsTest {
  private static final int TRAINED = 2000;
  private static final long SEED = 2026;

  private static List<String> demoPrompts() throws IOException {
    Path file = Repository.demo().resolve("prompts.json");
    return List.of(new JsonMapper().readValue(file.toFile(), String[].class));
  }

  private static List<TrainingPrompt> read(String name) {
    return PromptsFile.read(Repository.demo().resolve("prompts").resolve(name), prompt -> {});
  }

  @Test
  void thoseForTrainingAreSampledAndNoneIsHeldOut() throws IOException {
    Set<String> heldOut = Set.copyOf(demoPrompts().stream().distinct().toList());
    Set<String> sampled = new LinkedHashSet<>();
    SceneSampler sampler = new SceneSampler(SEED);
    while (sampled.size() < TRAINED) {
      String text = sampler.next().text();
      if (!heldOut.contains(text)) {
        sampled.add(text);
      }
    }
    assertEquals(
        List.copyOf(sampled), read("train.txt").stream().map(TrainingPrompt::text).toList());
  }

  @Test
  void theHeldOutOnesAreTheDemosListWithTheirKinds() throws IOException {
    List<TrainingPrompt> heldOut = read("held-out.jsonl");
    assertEquals(demoPrompts(), heldOut.stream().map(TrainingPrompt::text).toList());
    for (TrainingPrompt prompt : heldOut) {
      String kind = Caption.parse(prompt.text()).kind().name().toLowerCase(Locale.ROOT);
      assertEquals(kind.replace('_', ' '), prompt.fields().get("kind"), prompt.text());
    }
  }
}
