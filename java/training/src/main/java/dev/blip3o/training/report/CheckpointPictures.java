package dev.blip3o.training.report;

import java.util.List;

/**
 * What a checkpoint draws for the report's prompts.
 *
 * @param step the checkpoint's; 0 is the model that training starts from
 * @param pngs one picture for each prompt, in their order, as PNG
 */
public record CheckpointPictures(int step, List<byte[]> pngs) {
  /** Copies the list. */
  public CheckpointPictures {
    pngs = List.copyOf(pngs);
  }
}
