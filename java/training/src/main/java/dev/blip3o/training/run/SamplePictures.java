package dev.blip3o.training.run;

import dev.blip3o.Blip3oModel;
import dev.blip3o.CancellationToken;
import dev.blip3o.ImageRequest;
import dev.blip3o.OutputException;
import dev.blip3o.OutputFile;
import dev.blip3o.ProgressListener;
import dev.blip3o.training.prompts.TrainingPrompt;
import dev.blip3o.training.report.CheckpointPictures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The report's prompts, drawn by a run's model at its checkpoints: each with the same seed and the
 * checkpoint's own settings every time.
 */
public final class SamplePictures {
  private static final int MOST = 8;

  private final List<TrainingPrompt> prompts;

  private SamplePictures(List<TrainingPrompt> prompts) {
    this.prompts = prompts;
  }

  /** Eight different prompts of those, the first ones; all where there are fewer. */
  public static SamplePictures of(List<TrainingPrompt> prompts) {
    return new SamplePictures(prompts.stream().distinct().limit(MOST).toList());
  }

  /** What they show. */
  public List<String> texts() {
    return prompts.stream().map(TrainingPrompt::text).toList();
  }

  /**
   * Draws them and writes them into a folder, as {@code 1.png} and so on.
   *
   * @throws dev.blip3o.GenerationCancelledException if it was cancelled
   * @throws OutputException if they can't be written
   */
  public void draw(Blip3oModel model, Path folder, CancellationToken cancellation) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new OutputException("can't make the folder " + folder + ": " + e.getMessage(), e);
    }
    for (int i = 0; i < prompts.size(); i++) {
      ImageRequest request = ImageRequest.builder(prompts.get(i).text()).seed(i + 1).build();
      byte[] png = model.generate(request, ProgressListener.NONE, cancellation).png();
      OutputFile.at(file(folder, i)).write(out -> out.write(png));
    }
  }

  /**
   * Reads what {@link #draw} wrote; empty where some of it is missing.
   *
   * @param step the checkpoint's
   * @throws OutputException if a file can't be read
   */
  public Optional<CheckpointPictures> read(int step, Path folder) {
    List<byte[]> pngs = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      Path file = file(folder, i);
      if (!Files.isRegularFile(file)) {
        return Optional.empty();
      }
      try {
        pngs.add(Files.readAllBytes(file));
      } catch (IOException e) {
        throw new OutputException("can't read " + file + ": " + e.getMessage(), e);
      }
    }
    return Optional.of(new CheckpointPictures(step, pngs));
  }

  private static Path file(Path folder, int index) {
    return folder.resolve(index + 1 + ".png");
  }
}
