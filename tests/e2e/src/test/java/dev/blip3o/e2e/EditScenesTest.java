package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.EditRequest;
import dev.blip3o.InputImage;
import dev.blip3o.PictureJob;
import dev.blip3o.e2e.scenes.SceneEdit;
import dev.blip3o.e2e.scenes.Tally;
import dev.blip3o.support.Repository;
import dev.blip3o.training.scenes.Reading;
import dev.blip3o.training.scenes.SceneReader;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

/** Makes the demo's edits and reads from the pixels whether the scene is the one wanted. */
class EditScenesTest {
  private static final Path EDITS = Repository.demo().resolve("edits");
  private static final int COUNT = 100;

  /** Every edit so often, with other seeds each time: one round alone is easily 5 off. */
  private static final int ROUNDS = 3;

  private static final int SEEDS_APART = 1000;

  /** What the PyTorch reference gets right with this checkpoint. */
  private static final int REFERENCE = 75;

  /** Other random numbers draw other pictures: the standard error of a round is 4.5 of 100. */
  private static final int ALLOWANCE = 5;

  @Test
  void asManyEditsSucceedAsWithTheReference() throws IOException {
    List<SceneEdit> edits = SceneEdit.readAll(EDITS.resolve("edits.json"));
    assertEquals(COUNT, edits.size());
    Tally<SceneEdit.Kind> tally = new Tally<>(SceneEdit.Kind.class);
    try (Blip3oModel model = Blip3oModel.open(Repository.demo())) {
      for (int round = 0; round < ROUNDS; round++) {
        makeAll(model, edits, SEEDS_APART * round, tally);
      }
    }
    System.out.println(tally);
    assertTrue(tally.right() >= ROUNDS * (REFERENCE - ALLOWANCE), tally.toString());
  }

  private static void makeAll(
      Blip3oModel model, List<SceneEdit> edits, int firstSeed, Tally<SceneEdit.Kind> tally) {
    List<PictureJob> jobs = new ArrayList<>();
    for (int i = 0; i < edits.size(); i++) {
      jobs.add(edit(model, edits.get(i), firstSeed + i));
    }
    for (int i = 0; i < edits.size(); i++) {
      BufferedImage picture = jobs.get(i).result().join().toBufferedImage();
      tally.add(edits.get(i).kind(), edits.get(i).wanted().shownBy(SceneReader.read(picture)));
    }
  }

  /** Else a model that gives the picture back would seem to edit. */
  @Test
  void noPictureShowsWhatIsWantedBeforeItsEdit() throws IOException {
    for (SceneEdit edit : SceneEdit.readAll(EDITS.resolve("edits.json"))) {
      BufferedImage picture = ImageIO.read(EDITS.resolve(edit.picture()).toFile());
      Reading reading = SceneReader.read(picture);
      assertTrue(edit.before().shownBy(reading), edit.picture() + ": " + reading);
      assertFalse(edit.wanted().shownBy(reading), edit.text() + ": " + reading);
    }
  }

  private static PictureJob edit(Blip3oModel model, SceneEdit edit, int seed) {
    InputImage picture = InputImage.read(EDITS.resolve(edit.picture()));
    return model.submit(
        EditRequest.builder(edit.text(), picture).seed(seed).steps(30).guidance(2).build());
  }
}
