package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.blip3o.Blip3oModel;
import dev.blip3o.GeneratedImage;
import dev.blip3o.ImageRequest;
import dev.blip3o.e2e.scenes.Caption;
import dev.blip3o.e2e.scenes.SceneReader;
import java.io.IOException;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Draws the demo's prompts and reads shapes, colours, counts, places and backgrounds from the
 * pixels.
 */
class PromptScenesTest {
  private static final int PROMPTS = 200;

  /** The share that holds with the PyTorch reference on this checkpoint, 143 of 200. */
  private static final double REFERENCE_SHARE = 0.715;

  /** Other random numbers draw other pictures: the standard error of the share is 0.03. */
  private static final double ALLOWANCE = 0.05;

  @Test
  void asManyPromptsHoldAsWithTheReference() throws IOException {
    String[] prompts =
        new JsonMapper()
            .readValue(Repository.demo().resolve("prompts.json").toFile(), String[].class);
    assertEquals(PROMPTS, prompts.length);
    Map<Caption.Kind, int[]> counts = new EnumMap<>(Caption.Kind.class);
    int held = 0;
    try (Blip3oModel model = Blip3oModel.open(Repository.demo())) {
      for (int i = 0; i < prompts.length; i++) {
        Caption caption = Caption.parse(prompts[i]);
        boolean holds =
            caption.holds(SceneReader.read(draw(model, prompts[i], i).toBufferedImage()));
        int[] count = counts.computeIfAbsent(caption.kind(), kind -> new int[2]);
        count[0] += holds ? 1 : 0;
        count[1]++;
        held += holds ? 1 : 0;
      }
    }
    String report = report(counts, held);
    System.out.println(report);
    assertTrue(held >= (REFERENCE_SHARE - ALLOWANCE) * PROMPTS, report);
  }

  private static GeneratedImage draw(Blip3oModel model, String prompt, int seed) {
    return model.generate(ImageRequest.builder(prompt).seed(seed).steps(30).guidance(2).build());
  }

  private static String report(Map<Caption.Kind, int[]> counts, int held) {
    StringBuilder report = new StringBuilder();
    counts.forEach(
        (kind, count) ->
            report.append(
                String.format(
                    Locale.ROOT,
                    "%s %d of %d, ",
                    kind.name().toLowerCase(Locale.ROOT).replace('_', ' '),
                    count[0],
                    count[1])));
    return report.append("all ").append(held).append(" of ").append(PROMPTS).toString();
  }
}
