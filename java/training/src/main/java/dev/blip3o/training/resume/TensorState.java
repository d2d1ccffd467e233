package dev.blip3o.training.resume;

import dev.blip3o.WeightTensor;
import dev.blip3o.WeightType;
import dev.blip3o.training.checkpoint.SafetensorsFile;
import dev.blip3o.training.checkpoint.SafetensorsWriter;
import dev.blip3o.training.grpo.AdamW;
import dev.blip3o.training.grpo.Parameter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Weights in F32 and the optimiser's state as a safetensors file, {@code weight.NAME}, {@code
 * mean.NAME} and {@code square.NAME} for each parameter. What is read is what was written, to the
 * bit.
 */
public final class TensorState {
  private static final String FILE = "optimizer.safetensors";
  private static final String STEPS = "steps";

  private TensorState() {}

  /**
   * Writes it into a checkpoint's folder for training.
   *
   * @param parameters F32 and contiguous, those of the optimiser in their order
   * @throws dev.blip3o.OutputException if that is impossible
   */
  public static void write(Path folder, List<Parameter> parameters, AdamW optimiser) {
    List<WeightTensor> tensors = new ArrayList<>();
    forEach(
        parameters,
        optimiser,
        (name, tensor) ->
            tensors.add(new WeightTensor(name, WeightType.F32, floats(tensor), tensor.shape())));
    SafetensorsWriter.write(
        folder.resolve(FILE), Map.of(STEPS, Long.toString(optimiser.steps())), tensors);
  }

  /**
   * Reads it back into parameters and optimiser.
   *
   * @param parameters F32 and contiguous, those of the optimiser in their order
   * @throws ResumeException if it isn't there, or is of another model; then nothing has changed
   */
  public static void restore(Path folder, List<Parameter> parameters, AdamW optimiser) {
    Path path = folder.resolve(FILE);
    if (Files.notExists(path)) {
      throw new ResumeException(
          "training can't go on from "
              + folder.getParent()
              + ": it is no checkpoint of a training run, as there is no file "
              + path);
    }
    SafetensorsFile file = SafetensorsFile.open(path);
    checkNames(path, file, parameters, optimiser);
    forEach(parameters, optimiser, (name, tensor) -> checkShape(path, file.tensor(name), tensor));
    long steps = steps(path, file);
    forEach(parameters, optimiser, (name, tensor) -> floats(tensor).put(file.tensor(name).data()));
    optimiser.restoreSteps(steps);
  }

  private static long steps(Path path, SafetensorsFile file) {
    String steps = file.metadata().getOrDefault(STEPS, "");
    if (!steps.matches("\\d{1,18}")) {
      throw new ResumeException(
          path + " must tell the optimiser's steps, but has \"" + steps + "\"");
    }
    return Long.parseLong(steps);
  }

  private static void checkNames(
      Path path, SafetensorsFile file, List<Parameter> parameters, AdamW optimiser) {
    TreeSet<String> expected = new TreeSet<>();
    forEach(parameters, optimiser, (name, tensor) -> expected.add(name));
    TreeSet<String> found = new TreeSet<>(file.names());
    if (!expected.equals(found)) {
      TreeSet<String> lacking = new TreeSet<>(expected);
      lacking.removeAll(found);
      found.removeAll(expected);
      throw new ResumeException(
          path
              + " is of another model: "
              + (lacking.isEmpty() ? "it holds " + found.first() : "it lacks " + lacking.first()));
    }
  }

  private static void checkShape(Path path, WeightTensor stored, Tensor tensor) {
    if (stored.type() != WeightType.F32 || !Arrays.equals(stored.shape(), tensor.shape())) {
      throw new ResumeException(
          String.format(
              "%s is of another model: '%s' must be F32 %s, but is %s %s",
              path,
              stored.name(),
              Arrays.toString(tensor.shape()),
              stored.type(),
              Arrays.toString(stored.shape())));
    }
  }

  private static ByteBuffer floats(Tensor tensor) {
    if (tensor.scalar_type().intern() != torch.ScalarType.Float) {
      throw new IllegalArgumentException(
          "a tensor must be F32 to be written, but is " + tensor.scalar_type());
    }
    return TensorMemory.of(tensor);
  }

  /** What is done with each tensor of the state. */
  private interface Visitor {
    void visit(String name, Tensor tensor);
  }

  private static void forEach(List<Parameter> parameters, AdamW optimiser, Visitor visitor) {
    for (int i = 0; i < parameters.size(); i++) {
      String name = parameters.get(i).name();
      visitor.visit("weight." + name, parameters.get(i).tensor());
      visitor.visit("mean." + name, optimiser.means().get(i));
      visitor.visit("square." + name, optimiser.squares().get(i));
    }
  }
}
