package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.blip3o.Blip3oModel;
import dev.blip3o.ImageRequest;
import dev.blip3o.PictureJob;
import dev.blip3o.e2e.scenes.Tally;
import dev.blip3o.support.Repository;
import dev.blip3o.training.scenes.Caption;
import dev.blip3o.training.scenes.SceneReader;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Draws the demo's prompts and reads shapes, colours, counts, places and backgrounds from the
 * pixels.
 */
class PromptScenesTest {
  private static final int PROMPTS = 200;

  /** The share that holds with the PyTorch reference on this checkpoint, 190 of 200. */
  private static final double REFERENCE_SHARE = 0.95;

  /** Other random numbers draw other pictures: the standard error of the share is 0.015. */
  private static final double ALLOWANCE = 0.05;

  @Test
  void asManyPromptsHoldAsWithTheReference() throws IOException {
    String[] prompts =
        new JsonMapper()
            .readValue(Repository.demo().resolve("prompts.json").toFile(), String[].class);
    assertEquals(PROMPTS, prompts.length);
    Tally<Caption.Kind> tally = new Tally<>(Caption.Kind.class);
    try (Blip3oModel model = Blip3oModel.open(Repository.demo())) {
      List<PictureJob> jobs = new ArrayList<>();
      for (int i = 0; i < prompts.length; i++) {
        jobs.add(draw(model, prompts[i], i));
      }
      for (int i = 0; i < prompts.length; i++) {
        Caption caption = Caption.parse(prompts[i]);
        BufferedImage picture = jobs.get(i).result().join().toBufferedImage();
        tally.add(caption.kind(), caption.holds(SceneReader.read(picture)));
      }
    }
    System.out.println(tally);
    assertTrue(tally.right() >= (REFERENCE_SHARE - ALLOWANCE) * PROMPTS, tally.toString());
  }

  private static PictureJob draw(Blip3oModel model, String prompt, int seed) {
    return model.submit(ImageRequest.builder(prompt).seed(seed).steps(30).guidance(2).build());
  }
}
