package dev.blip3o.training.checkpoint;

import dev.blip3o.OutputException;
import dev.blip3o.WeightTensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Writes a checkpoint and a state file, each of a quarter megabyte, and prints what went wrong. */
final class WritingProgram {
  private static final int VALUES = 1 << 16;

  private WritingProgram() {}

  /** The folder of the model, the checkpoint's place, the state file's place. */
  public static void main(String[] arguments) {
    WeightTensor tensor = Buffers.f32("w", List.of((long) VALUES), new float[VALUES]);
    attempt(
        () ->
            CheckpointFolder.write(
                Path.of(arguments[0]), Path.of(arguments[1]), List.of(tensor), training -> {}));
    attempt(() -> SafetensorsWriter.write(Path.of(arguments[2]), Map.of(), List.of(tensor)));
  }

  private static void attempt(Runnable work) {
    try {
      work.run();
      System.out.println("written");
    } catch (OutputException e) {
      System.out.println(e.getMessage());
    }
  }
}
