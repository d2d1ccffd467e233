package dev.blip3o.training.resume;

import dev.blip3o.WeightTensor;
import dev.blip3o.WeightType;
import dev.blip3o.training.checkpoint.CheckpointFileException;
import dev.blip3o.training.checkpoint.CheckpointFolder;
import dev.blip3o.training.grpo.AdamW;
import dev.blip3o.training.grpo.Parameter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * A checkpoint of a run: the starting model's folder with the trained weights, rounded to the types
 * that they have there, and beside them what resuming needs.
 */
public final class TrainedCheckpoint {
  private TrainedCheckpoint() {}

  /**
   * Writes one; it appears whole or not at all, and replaces one that is there.
   *
   * @param source the model that training started from
   * @param target where the checkpoint appears
   * @param state where the run stands
   * @param parameters the trained weights, F32 and contiguous, with their names in {@code source}
   * @param optimiser theirs
   * @throws dev.blip3o.OutputException if it can't be written; earlier ones are untouched
   * @throws dev.blip3o.Blip3oException if {@code source} can't be read or is of another layout
   */
  @SuppressWarnings("try") // Scope and guard work by being there.
  public static void write(
      Path source, Path target, TrainingState state, List<Parameter> parameters, AdamW optimiser) {
    Map<String, WeightType> types = CheckpointFolder.types(source);
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      // Rounded copies live until the scope ends; so does the memory behind their buffers.
      List<WeightTensor> rounded = new ArrayList<>();
      for (Parameter parameter : parameters) {
        rounded.add(rounded(source, parameter, types.get(parameter.name())));
      }
      CheckpointFolder.write(
          source,
          target,
          rounded,
          training -> {
            state.write(training);
            TensorState.write(training, parameters, optimiser);
          });
    }
  }

  private static WeightTensor rounded(Path source, Parameter parameter, WeightType type) {
    if (type == null) {
      throw new CheckpointFileException(
          source + " has no tensor '" + parameter.name() + "' of floats that could change");
    }
    Tensor tensor = parameter.tensor().detach().to(torchType(type)).contiguous();
    return new WeightTensor(parameter.name(), type, TensorMemory.of(tensor), tensor.shape());
  }

  private static torch.ScalarType torchType(WeightType type) {
    return switch (type) {
      case F32 -> torch.ScalarType.Float;
      case BF16 -> torch.ScalarType.BFloat16;
      case F16 -> torch.ScalarType.Half;
    };
  }
}
