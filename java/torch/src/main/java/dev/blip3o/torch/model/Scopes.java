package dev.blip3o.torch.model;

import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.Tensor;

/** When the tensors of a piece of work are closed, and whether it leaves a graph. */
@SuppressWarnings("try") // Scopes and modes are not called, they are there.
final class Scopes {
  private Scopes() {}

  /**
   * Closes every tensor that {@code work} makes but its result, which goes to the scope around, or
   * to the caller where there is none.
   */
  static Tensor keep(Supplier<Tensor> work) {
    PointerScope outer = PointerScope.getInnerScope();
    Tensor result;
    try (PointerScope scope = new PointerScope()) {
      result = work.get();
      result.retainReference();
    }
    if (outer != null) {
      outer.attach(result);
      result.releaseReference();
    }
    return result;
  }

  /** Closes every tensor that {@code work} makes. */
  static <T> T closing(Supplier<T> work) {
    try (PointerScope scope = new PointerScope()) {
      return work.get();
    }
  }

  /** Closes every tensor that {@code work} makes. */
  static void closing(Runnable work) {
    try (PointerScope scope = new PointerScope()) {
      work.run();
    }
  }

  /** {@link #keep} where no graph is recorded, whatever the calling thread's mode is. */
  static Tensor withoutGraph(Supplier<Tensor> work) {
    return inMode(false, work);
  }

  /** {@link #keep} where a graph is recorded, whatever the calling thread's mode is. */
  static Tensor withGraph(Supplier<Tensor> work) {
    return inMode(true, work);
  }

  private static Tensor inMode(boolean graph, Supplier<Tensor> work) {
    try (AutoGradMode mode = new AutoGradMode(graph)) {
      return keep(work);
    }
  }
}
