package dev.blip3o.torch;

import dev.blip3o.Condition;
import dev.blip3o.FloatTensor;
import dev.blip3o.HiddenStates;
import dev.blip3o.ImageTokens;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.Latents;
import dev.blip3o.Noise;
import dev.blip3o.PromptIds;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/**
 * Views without a copy between the values of a picture's stages and tensors of LibTorch: the same
 * memory at the same address.
 *
 * <p><b>From a value to a tensor.</b> The tensor keeps the value's memory until LibTorch itself has
 * let go of it: a slice, a graph or another tensor over it counts, the Java object does not.
 * Closing the tensor, also twice, or with a {@code PointerScope}, never touches the value. A tensor
 * that nobody closes is closed when its Java object was collected. Values are immutable and may be
 * shared with running requests, so that no operation may write into such a tensor: {@code clone()}
 * it for one that does ({@code add_}, {@code zero_}, an optimizer's step).
 *
 * <p><b>From a tensor to a value.</b> The tensor must be a contiguous one of 32-bit floats (tokens:
 * 32-bit ints) on the CPU, and nobody may write into its memory while the value, a buffer of the
 * value or a request that was given it is in use. The value holds a reference of its own to the
 * memory, outside of any {@code PointerScope}: the tensor may be closed, also twice, before or
 * after. The memory is given back after the value was collected. Graphs are left behind.
 *
 * <pre>{@code
 * try (Tensor tensor = TensorViews.of(condition);            // [M, C], no copy
 *     Tensor stronger = tensor.mul(new Scalar(1.1))) {       // memory of its own
 *   Condition changed = TensorViews.condition(stronger);     // no copy
 *   latents = stages.denoise(changed, noise, 30, 1);         // no copy
 * }                                                          // changed stays as it is
 *
 * TensorViews.of(condition).mul_(new Scalar(1.1));           // wrong: condition is immutable
 * TensorViews.condition(stronger.t());                       // refused: call contiguous() first
 * }</pre>
 *
 * <p>Safe for use by any thread.
 */
public final class TensorViews {
  private TensorViews() {}

  /**
   * A tensor of 32-bit floats over a value, of its shape.
   *
   * @throws dev.blip3o.NativeLibraryException if LibTorch is missing
   */
  public static Tensor of(FloatTensor value) {
    LibTorch.load();
    long[] shape = IntStream.of(value.shape()).asLongStream().toArray();
    return floats(value.values(), value, shape);
  }

  /** The null row of a condition, {@code [1, C]}; empty where there is none. */
  public static Optional<Tensor> ofNullRow(Condition condition) {
    LibTorch.load();
    return condition.nullRow().map(row -> floats(row, condition, 1, condition.captionSize()));
  }

  /** Image tokens, {@code [N]} 32-bit ints, image codes without offset. */
  public static Tensor of(ImageTokens tokens) {
    LibTorch.load();
    IntBuffer values = tokens.values();
    return borrow(new IntPointer(values), torch.ScalarType.Int, tokens, values.limit());
  }

  /**
   * A tensor as hidden states.
   *
   * @param tensor {@code [N + 1, H]} finite 32-bit floats
   * @throws InvalidRequestException if it is not, not contiguous or not on the CPU; the message
   *     says what to call
   */
  public static HiddenStates hiddenStates(Tensor tensor) {
    int[] shape = check("hidden states", tensor, torch.ScalarType.Float, 2);
    Tensor owner = own(tensor);
    return HiddenStates.sharing(shape[0], shape[1], floats(owner), owner);
  }

  /**
   * A tensor as a condition without a null row, to be denoised at guidance 1.
   *
   * @param tensor {@code [M, C]} finite 32-bit floats
   * @throws InvalidRequestException as {@link #hiddenStates}
   */
  public static Condition condition(Tensor tensor) {
    int[] shape = check("condition", tensor, torch.ScalarType.Float, 2);
    Tensor owner = own(tensor);
    return Condition.sharing(shape[0], shape[1], floats(owner), owner);
  }

  /**
   * Tensors as a condition and its null row.
   *
   * @param tensor {@code [M, C]} finite 32-bit floats
   * @param nullRow {@code [1, C]} finite 32-bit floats
   * @throws InvalidRequestException as {@link #hiddenStates}
   */
  public static Condition condition(Tensor tensor, Tensor nullRow) {
    int[] shape = check("condition", tensor, torch.ScalarType.Float, 2);
    check("null condition", nullRow, torch.ScalarType.Float, 2);
    Tensor owner = own(tensor);
    Tensor rowOwner = own(nullRow);
    return Condition.sharing(
        shape[0], shape[1], floats(owner), floats(rowOwner), new Tensor[] {owner, rowOwner});
  }

  /**
   * A tensor as noise.
   *
   * @param tensor {@code [c, h, w]} finite 32-bit floats
   * @throws InvalidRequestException as {@link #hiddenStates}
   */
  public static Noise noise(Tensor tensor) {
    int[] shape = check("noise", tensor, torch.ScalarType.Float, 3);
    Tensor owner = own(tensor);
    return Noise.sharing(shape[0], shape[1], shape[2], floats(owner), owner);
  }

  /**
   * A tensor as latents.
   *
   * @param tensor {@code [c, h, w]} finite 32-bit floats
   * @throws InvalidRequestException as {@link #hiddenStates}
   */
  public static Latents latents(Tensor tensor) {
    int[] shape = check("latents", tensor, torch.ScalarType.Float, 3);
    Tensor owner = own(tensor);
    return Latents.sharing(shape[0], shape[1], shape[2], floats(owner), owner);
  }

  /**
   * A tensor as image tokens.
   *
   * @param tensor {@code [N]} 32-bit ints, image codes without offset
   * @param promptIds what they were drawn for
   * @param hiddenStates {@code [N + 1, H]}
   * @param seed what they were drawn with
   * @throws InvalidRequestException as {@link #hiddenStates}
   */
  public static ImageTokens imageTokens(
      Tensor tensor, PromptIds promptIds, HiddenStates hiddenStates, long seed) {
    check("image tokens", tensor, torch.ScalarType.Int, 1);
    Tensor owner = own(tensor);
    IntBuffer values = new IntPointer(owner.data_ptr()).capacity(owner.numel()).asBuffer();
    return ImageTokens.sharing(values, promptIds, hiddenStates, seed, owner);
  }

  private static Tensor floats(FloatBuffer values, Object owner, long... shape) {
    return borrow(new FloatPointer(values), torch.ScalarType.Float, owner, shape);
  }

  private static Tensor borrow(Pointer memory, torch.ScalarType type, Object owner, long... shape) {
    try (TensorOptions options = new TensorOptions(type)) {
      return torch.from_blob(memory, shape, Owners.keep(memory.address(), owner), options);
    }
  }

  /** Another reference to the same memory, which no scope closes. */
  private static Tensor own(Tensor tensor) {
    return tensor.detach().retainReference();
  }

  private static FloatBuffer floats(Tensor owner) {
    return new FloatPointer(owner.data_ptr()).capacity(owner.numel()).asBuffer();
  }

  private static int[] check(String name, Tensor tensor, torch.ScalarType type, int rank) {
    if (!tensor.defined()) {
      throw new InvalidRequestException(name + " need a tensor, but this one is not defined");
    }
    long[] shape = shape(tensor);
    if (shape.length != rank) {
      throw new InvalidRequestException(
          name + " need " + rank + " axes, but the tensor's shape is " + Arrays.toString(shape));
    }
    StringBuilder wrong = new StringBuilder();
    StringBuilder calls = new StringBuilder();
    if (!tensor.is_cpu()) {
      wrong.append(", is not on the CPU");
      calls.append(".cpu()");
    }
    if (tensor.scalar_type().intern() != type) {
      wrong.append(", is of ").append(tensor.scalar_type());
      calls.append(".to(ScalarType.").append(type).append(")");
    }
    if (tensor.layout().intern() != torch.Layout.Strided) {
      wrong.append(", is sparse");
      calls.append(".to_dense()");
    } else if (!tensor.is_contiguous() || tensor.is_conj() || tensor.is_neg()) {
      wrong.append(", is not contiguous");
      calls.append(".contiguous()");
    }
    if (!wrong.isEmpty()) {
      throw new InvalidRequestException(
          String.format(
              "%s need a contiguous tensor of %s on the CPU, but this one, of shape %s%s; call"
                  + " tensor%s",
              name, type, Arrays.toString(shape), wrong, calls));
    }
    return Arrays.stream(shape).mapToInt(Math::toIntExact).toArray();
  }

  private static long[] shape(Tensor tensor) {
    long[] shape = new long[Math.toIntExact(tensor.dim())];
    Arrays.setAll(shape, tensor::size);
    return shape;
  }
}
