package dev.blip3o;

import dev.blip3o.internal.NativeHandle;
import dev.blip3o.internal.NativeModel;
import java.util.List;
import java.util.stream.Stream;

/**
 * The language model's weights as the checkpoint's files hold them, whatever updates came since
 * ({@link Blip3oModel#updateLanguageModel}).
 *
 * <p>Threads: safe for use by any thread, while the model is open.
 */
public final class LanguageModelWeights {
  private final NativeHandle handle;
  private final NativeModel model;
  private final LanguageModelConfig config;
  private final List<String> names;

  LanguageModelWeights(NativeHandle handle, NativeModel model) {
    this.handle = handle;
    this.model = model;
    this.config = model.languageConfig();
    this.names = model.languageTensorNames();
  }

  /** How the model is shaped. */
  public LanguageModelConfig config() {
    return config;
  }

  /**
   * The tensors' names: the embeddings, the layers' in their order, the last norm, and the head
   * unless it is tied.
   */
  public List<String> names() {
    return names;
  }

  /**
   * Copies a tensor to direct memory, which is freed when the tensor was collected.
   *
   * @throws InvalidRequestException if there is none of that name
   * @throws IllegalStateException if the model is closed
   */
  public WeightTensor tensor(String name) {
    int index = names.indexOf(name);
    if (index < 0) {
      throw new InvalidRequestException(
          "the language model has no tensor " + name + "; names() lists those that it has");
    }
    return handle.use(() -> model.copyLanguageTensor(index));
  }

  /** All tensors in the order of {@link #names}, each copied when it is asked for. */
  public Stream<WeightTensor> tensors() {
    return names.stream().map(this::tensor);
  }
}
