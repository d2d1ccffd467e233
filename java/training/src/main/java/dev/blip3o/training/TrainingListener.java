package dev.blip3o.training;

import dev.blip3o.training.report.StepMetrics;
import dev.blip3o.training.rewards.RewardException;
import java.nio.file.Path;

/**
 * Is told how a run comes along. Calls come one at a time, on threads of the run; a method that
 * takes long holds the run up.
 */
public interface TrainingListener {
  /** Hears nothing. */
  TrainingListener NONE = new TrainingListener() {};

  /**
   * A picture to learn from is there.
   *
   * @param step from 1
   * @param done pictures of this step that are there
   * @param count pictures of a step
   */
  default void onPicture(int step, int done, int count) {}

  /** The reward failed at every try: a group is left out. */
  default void onGroupDropped(int step, String prompt, RewardException failure) {}

  /** A step is over. */
  default void onStep(StepMetrics metrics) {}

  /** A checkpoint is on disk. */
  default void onCheckpoint(int step, Path folder) {}
}
