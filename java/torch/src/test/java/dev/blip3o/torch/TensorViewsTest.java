package dev.blip3o.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.Condition;
import dev.blip3o.FloatTensor;
import dev.blip3o.HiddenStates;
import dev.blip3o.ImageRequest;
import dev.blip3o.ImageTokens;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.Latents;
import dev.blip3o.Noise;
import dev.blip3o.PromptIds;
import dev.blip3o.Stages;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

@SuppressWarnings("try") // Scopes are not called, they are there.
class TensorViewsTest {
  private static final float[] SIX = {1, 2, 3, 4, 5, 6};

  @BeforeAll
  static void load() {
    LibTorch.load();
  }

  @Test
  void aTensorHasTheMemoryOfItsValue() {
    check(HiddenStates.of(2, 3, SIX), 2, 3);
    check(Condition.of(3, 2, SIX), 3, 2);
    check(Noise.of(1, 2, 3, SIX), 1, 2, 3);
    check(Latents.of(3, 2, 1, SIX), 3, 2, 1);
    Condition condition = Condition.of(3, 2, SIX, new float[] {7, 8});
    try (Tensor row = TensorViews.ofNullRow(condition).orElseThrow()) {
      assertEquals(address(condition.nullRow().orElseThrow()), row.data_ptr().address());
      assertArrayEquals(new long[] {1, 2}, row.shape());
    }
    assertTrue(TensorViews.ofNullRow(Condition.of(3, 2, SIX)).isEmpty());
  }

  private static void check(FloatTensor value, long... shape) {
    try (Tensor tensor = TensorViews.of(value)) {
      assertEquals(address(value.values()), tensor.data_ptr().address());
      assertArrayEquals(shape, tensor.shape());
      assertSame(ScalarType.Float, tensor.scalar_type().intern());
      try (Tensor sum = tensor.sum()) {
        assertEquals(21, sum.item_double());
      }
    }
  }

  @Test
  void aValueHasTheMemoryOfItsTensor() {
    try (PointerScope scope = new PointerScope()) {
      Tensor matrix = Tensor.create(SIX, 3, 2);
      Tensor row = Tensor.create(new float[] {7, 8}, 1, 2);
      Tensor map = Tensor.create(SIX, 1, 3, 2);
      same(matrix, TensorViews.hiddenStates(matrix));
      same(matrix, TensorViews.condition(matrix));
      same(map, TensorViews.noise(map));
      same(map, TensorViews.latents(map));
      Condition condition = TensorViews.condition(matrix, row);
      same(matrix, condition);
      assertEquals(address(condition.nullRow().orElseThrow()), row.data_ptr().address());
      // Part of a tensor is its memory too.
      Tensor part = matrix.slice(0, new LongOptional(1), new LongOptional(3), 1);
      same(part, TensorViews.hiddenStates(part));
      assertArrayEquals(new float[] {3, 4, 5, 6}, TensorViews.hiddenStates(part).toArray());
    }
  }

  private static void same(Tensor tensor, FloatTensor value) {
    assertEquals(tensor.data_ptr().address(), address(value.values()));
    assertArrayEquals(tensor.shape(), IntStream.of(value.shape()).asLongStream().toArray());
  }

  @Test
  void tokensGoBothWays() {
    HiddenStates states = HiddenStates.of(3, 2, SIX);
    ImageTokens tokens = ImageTokens.of(new int[] {5, 9}, PromptIds.of(1, 2), states, 4);
    try (Tensor tensor = TensorViews.of(tokens)) {
      assertEquals(new IntPointer(tokens.values()).address(), tensor.data_ptr().address());
      assertArrayEquals(new long[] {2}, tensor.shape());
      ImageTokens back = TensorViews.imageTokens(tensor, PromptIds.of(1, 2), states, 4);
      assertEquals(tokens, back);
      assertEquals(new IntPointer(back.values()).address(), tensor.data_ptr().address());
    }
  }

  @Test
  void aTensorKeepsTheValuesMemoryUntilLibTorchHasLetGo() throws InterruptedException {
    ReferenceQueue<Object> gone = new ReferenceQueue<>();
    Latents latents = Latents.of(1, 2, 3, SIX);
    WeakReference<Object> watched = new WeakReference<>(latents, gone);
    Tensor tensor = TensorViews.of(latents);
    Tensor part = tensor.select(1, 1);
    latents = null;
    tensor.close();
    tensor.close(); // Harmless.
    System.gc();
    assertNotNull(watched.get());
    assertEquals(15, part.sum().item_double());
    part.close();
    assertGone(watched, gone);
  }

  @Test
  void anotherTensorOverTheSameValueIsNotInTheWay() {
    Noise noise = Noise.of(1, 2, 3, SIX);
    Tensor first = TensorViews.of(noise);
    Tensor second = TensorViews.of(noise);
    first.close();
    try (Tensor sum = second.sum()) {
      assertEquals(21, sum.item_double());
    }
    second.close();
    assertArrayEquals(SIX, noise.toArray());
  }

  @Test
  void aValueKeepsTheTensorsMemory() throws InterruptedException {
    Condition condition;
    try (PointerScope scope = new PointerScope()) {
      Tensor tensor = Tensor.create(SIX, 3, 2).mul(new Scalar(2));
      condition = TensorViews.condition(tensor);
      tensor.close();
      tensor.close(); // Harmless, also before the scope does it once more.
    }
    for (int i = 0; i < 50; i++) { // Whoever got the memory by mistake would write into it.
      try (Tensor other = torch.full(new long[] {3, 2}, new Scalar(i))) {
        assertArrayEquals(new float[] {2, 4, 6, 8, 10, 12}, condition.toArray());
      }
    }
    // The tensor that holds the memory goes with the last buffer of the value, not before.
    FloatBuffer values = condition.values().slice(5, 1);
    condition = null;
    System.gc();
    Pointer.deallocateReferences();
    assertEquals(12, values.get(0));
  }

  @Test
  void aValuesMemoryIsGivenBack() throws InterruptedException {
    ReferenceQueue<Object> gone = new ReferenceQueue<>();
    Latents latents = Latents.of(1, 2, 3, SIX);
    WeakReference<Object> watched = new WeakReference<>(latents, gone);
    Tensor tensor = TensorViews.of(latents);
    Noise again = TensorViews.noise(tensor);
    tensor.close();
    latents = null;
    System.gc();
    assertNotNull(watched.get());
    assertArrayEquals(SIX, again.toArray());
    Reference.reachabilityFence(again);
    again = null;
    assertGone(watched, gone);
  }

  /** Cleaners and JavaCPP's own thread have work to do between. */
  private static void assertGone(WeakReference<Object> watched, ReferenceQueue<Object> gone)
      throws InterruptedException {
    Reference<?> found = null;
    for (int tries = 0; tries < 100 && found == null; tries++) {
      System.gc();
      found = gone.remove(50);
    }
    assertSame(watched, found);
  }

  @Test
  void whatIsNoViewIsRefusedWithWhatToCall() {
    try (PointerScope scope = new PointerScope()) {
      Tensor matrix = Tensor.create(SIX, 3, 2);
      refused(
          "hidden states need a contiguous tensor of Float on the CPU, but this one, of shape"
              + " [2, 3], is not contiguous; call tensor.contiguous()",
          () -> TensorViews.hiddenStates(matrix.t()));
      refused(
          "is of Double; call tensor.to(ScalarType.Float)",
          () -> TensorViews.condition(matrix.to(ScalarType.Double)));
      refused(
          "is of Half, is not contiguous; call tensor.to(ScalarType.Float).contiguous()",
          () -> TensorViews.condition(matrix.to(ScalarType.Half).t()));
      refused(
          "noise need 3 axes, but the tensor's shape is [3, 2]", () -> TensorViews.noise(matrix));
      refused(
          "is of Long; call tensor.to(ScalarType.Int)",
          () ->
              TensorViews.imageTokens(
                  Tensor.create(1L, 2L), PromptIds.of(1), HiddenStates.of(3, 2, SIX), 0));
      refused("this one is not defined", () -> TensorViews.latents(new Tensor()));
      refused(
          "must hold finite values, but value 1 is NaN",
          () -> TensorViews.condition(Tensor.create(new float[] {1, Float.NaN}, 1, 2)));
      same(matrix.t().contiguous(), matrix.t());
    }
  }

  private static void same(Tensor called, Tensor refused) {
    assertEquals(called.size(0), TensorViews.hiddenStates(called).rows());
    assertTrue(!refused.is_contiguous());
  }

  /** The engine reads a tensor's memory, and LibTorch the engine's. */
  @Test
  void aPictureThroughLibTorchIsTheSame() {
    Path demo = Path.of(System.getProperty("blip3o.root")).resolve("weights/demo");
    try (Blip3oModel model = Blip3oModel.open(demo);
        PointerScope scope = new PointerScope()) {
      Stages stages = model.stages();
      ImageTokens tokens = stages.imageTokens(ImageRequest.builder("a red circle").seed(7).build());
      Condition condition = stages.condition(tokens.hiddenStates());
      Noise noise = stages.noise(7);
      Latents latents = stages.denoise(condition, noise, 2, 2.0);
      Condition through =
          stages.condition(TensorViews.hiddenStates(TensorViews.of(tokens.hiddenStates()).clone()));
      assertEquals(condition, through);
      Tensor row = TensorViews.ofNullRow(condition).orElseThrow().clone();
      Condition again = TensorViews.condition(TensorViews.of(condition).clone(), row);
      assertEquals(
          latents, stages.denoise(again, TensorViews.noise(TensorViews.of(noise)), 2, 2.0));
      assertEquals(
          stages.decode(latents),
          stages.decode(TensorViews.latents(TensorViews.of(latents).clone())));
      assertEquals(tokens.hiddenStates().rows(), TensorViews.of(tokens).size(0) + 1);
    }
  }

  private static long address(FloatBuffer values) {
    return new FloatPointer(values).address();
  }

  private static void refused(String message, Executable executable) {
    String found = assertThrows(InvalidRequestException.class, executable).getMessage();
    assertTrue(found.contains(message), found);
  }
}
