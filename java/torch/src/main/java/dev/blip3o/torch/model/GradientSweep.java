package dev.blip3o.torch.model;

import dev.blip3o.InvalidRequestException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * One forward and backward run of a batch, by segments: embedding, layers, head. A segment begins
 * with a leaf, whose gradient is what the segment before it gets. So a layer's graph needs to exist
 * only while its own gradients are computed, where the layer's input was kept in its place; and the
 * head's, whose logits are large, is made for a few positions at a time.
 */
final class GradientSweep {
  private final LanguageModel model;
  private final BatchLayout layout;
  private final TokenBatch batch;
  private final Rotary rotary;
  private final List<Tensor> inputs = new ArrayList<>();
  private final int layers;

  /** Everything that the sweep makes belongs to the scope around. */
  GradientSweep(LanguageModel model, TokenBatch batch) {
    this.model = model;
    this.batch = batch;
    this.layout = model.layout(batch, batch.tokens() - 1);
    this.rotary = model.rotary(layout);
    this.layers = model.config().layers();
  }

  /** Adds the gradients of {@code loss} to the parameters' and returns its value. */
  double run(UnaryOperator<Tensor> loss, boolean checkpointing) {
    Tensor ids = layout.ids();
    Tensor embedded = Scopes.withoutGraph(() -> model.embed(ids, batch.size()));
    Tensor last = checkpointing ? forwardByLayers(embedded) : forwardAtOnce(embedded);
    Tensor selected = layout.rows();
    Tensor rows = Scopes.withoutGraph(() -> flat(last.detach()).index_select(0, selected));

    Tensor chosen = Gradients.leaf(model.logProbabilities(rows, layout.targets(), batch));
    Tensor value = Scopes.withGraph(() -> loss.apply(chosen));
    if (value.numel() != 1 || !value.requires_grad()) {
      throw new InvalidRequestException(
          "a loss must be one number that depends on the log-probabilities, but this one has "
              + value.numel()
              + (value.requires_grad() ? "" : " and does not depend on them"));
    }
    value.backward();

    Tensor rowsGradient = backwardHead(rows, chosen.grad().reshape(-1));
    Tensor gradient = torch.zeros_like(last).detach();
    flat(gradient).index_copy_(0, selected, rowsGradient);
    gradient = checkpointing ? backwardByLayers(gradient) : backwardAtOnce(last, gradient);
    Gradients.of(model.parameter(Parameters.EMBEDDING))
        .index_add_(0, ids, gradient.reshape(ids.size(0), -1));
    return value.item_double();
  }

  private Tensor forwardByLayers(Tensor embedded) {
    Tensor x = embedded;
    for (int i = 0; i < layers; i++) {
      inputs.add(x);
      DecoderLayer layer = model.layer(i);
      Tensor input = x;
      x = Scopes.withoutGraph(() -> layer.forward(input, rotary));
    }
    return x;
  }

  private Tensor forwardAtOnce(Tensor embedded) {
    Tensor leaf = Gradients.leaf(embedded);
    inputs.add(leaf);
    return Scopes.withGraph(() -> model.layers(leaf, rotary));
  }

  /** From the last layer to the first: its graph is made, used and freed. */
  private Tensor backwardByLayers(Tensor gradient) {
    for (int i = layers - 1; i >= 0; i--) {
      DecoderLayer layer = model.layer(i);
      Tensor above = gradient;
      Tensor input = inputs.remove(i);
      gradient =
          Scopes.withGraph(
              () -> {
                Tensor leaf = Gradients.leaf(input);
                Gradients.backward(layer.forward(leaf, rotary), above);
                return leaf.grad().detach(); // grad() itself is a part of the leaf.
              });
      close(input, above);
    }
    return gradient;
  }

  /** What the sweep has done with, before the scope ends. */
  private static void close(Tensor... tensors) {
    for (Tensor tensor : tensors) {
      tensor.close();
    }
  }

  private Tensor backwardAtOnce(Tensor last, Tensor gradient) {
    Gradients.backward(last, gradient);
    return inputs.get(0).grad();
  }

  /** The gradient of {@code rows [B * N, H]}, a few positions at a time. */
  private Tensor backwardHead(Tensor rows, Tensor gradient) {
    Tensor head = model.headRows();
    Tensor leaf = Gradients.leaf(head);
    ImageHead image = model.head(leaf);
    Tensor targets = layout.targets();
    TensorVector parts = new TensorVector();
    model.inChunks(
        rows.size(0),
        (from, count) -> {
          Tensor part = Gradients.leaf(rows.narrow(0, from, count));
          Tensor chosen =
              Scopes.withGraph(() -> image.logProbabilities(part, targets.narrow(0, from, count)));
          Gradients.backward(chosen, gradient.narrow(0, from, count));
          parts.push_back(part.grad());
        });
    model.addHeadGradient(leaf.grad());
    return torch.cat(parts, 0);
  }

  /** {@code [B * T, H]} of {@code [B, T, H]}: the same memory. */
  private static Tensor flat(Tensor x) {
    return x.view(-1, x.size(2));
  }
}
