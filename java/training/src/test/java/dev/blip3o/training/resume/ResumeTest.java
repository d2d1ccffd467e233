package dev.blip3o.training.resume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.WeightTensor;
import dev.blip3o.WeightType;
import dev.blip3o.support.Repository;
import dev.blip3o.training.checkpoint.SafetensorsFile;
import dev.blip3o.training.checkpoint.SafetensorsWriter;
import dev.blip3o.training.grpo.AdamW;
import dev.blip3o.training.grpo.AdamWSettings;
import dev.blip3o.training.grpo.Gradients;
import dev.blip3o.training.grpo.Parameter;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AbstractTensor;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResumeTest {
  private static final AdamWSettings SETTINGS = new AdamWSettings(0.9, 0.99, 1e-8, 0.1);

  @TempDir Path folder;
  private PointerScope scope;

  @BeforeEach
  void open() {
    scope = new PointerScope();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static List<Parameter> parameters() {
    return List.of(
        parameter("a.weight", new float[] {1, -2, 0.25f, 9, 1e-3f, 4}, 2, 3),
        parameter("a.norm", new float[] {1}, 1));
  }

  private static Parameter parameter(String name, float[] values, long... shape) {
    Tensor tensor = AbstractTensor.create(values, shape);
    tensor.set_requires_grad(true);
    return new Parameter(name, tensor);
  }

  private static void steps(List<Parameter> parameters, AdamW optimiser, int count) {
    for (int i = 0; i < count; i++) {
      Gradients.clear(parameters);
      for (Parameter parameter : parameters) {
        Tensor away = parameter.tensor().sub(new Scalar(3.0));
        away.square().sum().mul(new Scalar(1.0 + optimiser.steps())).backward();
      }
      optimiser.step(0.01);
    }
  }

  private static float[] values(Parameter parameter) {
    FloatBuffer buffer = parameter.tensor().detach().createBuffer();
    float[] values = new float[Math.toIntExact(parameter.tensor().numel())];
    buffer.get(values);
    return values;
  }

  @Test
  void aRestoredRunGoesOnToTheBit() {
    List<Parameter> whole = parameters();
    try (AdamW optimiser = new AdamW(whole, SETTINGS)) {
      steps(whole, optimiser, 4);
      TensorState.write(folder, whole, optimiser);
      steps(whole, optimiser, 5);
    }
    List<Parameter> resumed = parameters();
    try (AdamW optimiser = new AdamW(resumed, SETTINGS)) {
      TensorState.restore(folder, resumed, optimiser);
      assertEquals(4, optimiser.steps());
      steps(resumed, optimiser, 5);
    }
    for (int i = 0; i < whole.size(); i++) {
      assertArrayEquals(values(whole.get(i)), values(resumed.get(i)), 0f);
    }
  }

  /** BF16 has steps of 2⁻⁷ above 1: 1 + 2⁻⁹ becomes 1, and stays what it is in the state. */
  @Test
  void aCheckpointHoldsRoundedWeightsAndTheWholeState() throws IOException {
    Path source = Files.createDirectory(folder.resolve("model"));
    Path target = folder.resolve("step-000001");
    WeightTensor old = new WeightTensor("norm", WeightType.BF16, ByteBuffer.allocateDirect(4), 2);
    SafetensorsWriter.write(source.resolve("model.safetensors"), Map.of(), List.of(old));
    List<Parameter> parameters = List.of(parameter("norm", new float[] {1 + 0x1p-9f, -2}, 2));
    TrainingState state = new TrainingState(1, ModelFingerprint.of(source), Map.of());
    try (AdamW optimiser = new AdamW(parameters, SETTINGS)) {
      TrainedCheckpoint.write(source, target, state, parameters, optimiser);
    }
    WeightTensor written = SafetensorsFile.open(target.resolve("model.safetensors")).tensor("norm");
    assertEquals(0x3F80, written.data().getShort(0));
    assertEquals((short) 0xC000, written.data().getShort(2));
    Path training = target.resolve("training");
    assertEquals(state, TrainingState.read(training));
    List<Parameter> resumed = List.of(parameter("norm", new float[2], 2));
    try (AdamW optimiser = new AdamW(resumed, SETTINGS)) {
      TensorState.restore(training, resumed, optimiser);
    }
    assertArrayEquals(values(parameters.get(0)), values(resumed.get(0)), 0f);
  }

  @Test
  void theStateOfAnotherModelIsRefusedAndChangesNothing() {
    List<Parameter> parameters = parameters();
    try (AdamW optimiser = new AdamW(parameters, SETTINGS)) {
      TensorState.write(folder, parameters, optimiser);
    }
    List<Parameter> renamed = List.of(parameters.get(0), parameter("b.norm", new float[] {1}, 1));
    List<Parameter> reshaped =
        List.of(parameter("a.weight", new float[6], 3, 2), parameters.get(1));
    assertRefused(renamed, "it lacks mean.b.norm");
    assertRefused(parameters.subList(0, 1), "it holds mean.a.norm");
    assertRefused(reshaped, "'weight.a.weight' must be F32 [3, 2], but is F32 [2, 3]");
  }

  private void assertRefused(List<Parameter> parameters, String expected) {
    float[] before = values(parameters.get(0));
    try (AdamW optimiser = new AdamW(parameters, SETTINGS)) {
      ResumeException e =
          assertThrows(
              ResumeException.class, () -> TensorState.restore(folder, parameters, optimiser));
      assertTrue(e.getMessage().contains("of another model: " + expected), e.getMessage());
    }
    assertArrayEquals(before, values(parameters.get(0)), 0f);
  }

  @Test
  void theStateIsReadBack() {
    TrainingState state = new TrainingState(40, "abc", Map.of("seed", "7", "reward", "scenes"));
    state.write(folder);
    assertEquals(state, TrainingState.read(folder));
  }

  @Test
  void whatIsNoCheckpointOfARunIsRefused() throws IOException {
    Path training = Files.createDirectory(folder.resolve("training"));
    ResumeException e = assertThrows(ResumeException.class, () -> TrainingState.read(training));
    assertTrue(e.getMessage().contains("can't go on from " + folder), e.getMessage());
    List<Parameter> parameters = parameters();
    try (AdamW optimiser = new AdamW(parameters, SETTINGS)) {
      assertThrows(
          ResumeException.class, () -> TensorState.restore(training, parameters, optimiser));
    }
    Files.writeString(training.resolve("state.json"), "{\"step\": ");
    e = assertThrows(ResumeException.class, () -> TrainingState.read(training));
    assertTrue(e.getMessage().contains("is damaged"), e.getMessage());
    Files.writeString(training.resolve("state.json"), "{\"step\": \"1\"}");
    e = assertThrows(ResumeException.class, () -> TrainingState.read(training));
    assertTrue(e.getMessage().contains("must have step"), e.getMessage());
  }

  @Test
  void aRunOfOtherSettingsOrAnotherModelIsRefused() {
    TrainingState state = new TrainingState(40, "abc", Map.of("seed", "7", "reward", "scenes"));
    state.checkContinuedBy("abc", Map.of("seed", "7", "reward", "scenes"));
    assertEquals(
        "the checkpoint was trained from another model: expected the one with the fingerprint"
            + " abc…, but found abd…; name the model that training started from",
        refusal(state, "abd", Map.of("seed", "7", "reward", "scenes")));
    String other = refusal(state, "abc", Map.of("seed", "8", "reward", "scenes"));
    assertTrue(other.contains("another seed: expected 7, but found 8"), other);
    other = refusal(state, "abc", Map.of("seed", "7"));
    assertTrue(other.contains("another reward: expected scenes, but found null"), other);
  }

  private static String refusal(TrainingState state, String model, Map<String, String> settings) {
    return assertThrows(ResumeException.class, () -> state.checkContinuedBy(model, settings))
        .getMessage();
  }

  @Test
  void fingerprintsTellModelsApart() throws IOException {
    String demo = ModelFingerprint.of(Repository.demo());
    assertEquals(64, demo.length());
    SafetensorsFile file = SafetensorsFile.open(Repository.demo().resolve("model.safetensors"));
    WeightTensor head = file.tensor("lm_head.weight");
    Path copy = folder.resolve("model.safetensors");
    SafetensorsWriter.write(copy, Map.of(), List.of(head));
    String before = ModelFingerprint.of(folder);
    assertNotEquals(demo, before);
    Files.createDirectory(folder.resolve("training"));
    Files.writeString(folder.resolve("training/optimizer.safetensors"), "anything");
    assertEquals(before, ModelFingerprint.of(folder));
    try (RandomAccessFile bytes = new RandomAccessFile(copy.toFile(), "rw")) {
      bytes.seek(1000);
      int value = bytes.read();
      bytes.seek(1000);
      bytes.write(value ^ 1);
    }
    assertNotEquals(before, ModelFingerprint.of(folder));
    Path empty = Files.createDirectory(folder.resolve("empty"));
    assertThrows(ResumeException.class, () -> ModelFingerprint.of(empty));
  }
}
