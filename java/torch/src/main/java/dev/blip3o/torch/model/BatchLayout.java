package dev.blip3o.torch.model;

import dev.blip3o.InvalidRequestException;
import dev.blip3o.torch.model.TokenBatch.Sequence;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Where the tokens of a batch stand in one rectangle {@code [B, T]} of vocabulary ids. Sequences
 * begin at column 0, so that positions are columns; what fills the end of a shorter one stands
 * behind all of its own tokens, where causal attention never looks.
 */
final class BatchLayout {
  private final TokenBatch batch;
  private final ImageVocabulary images;
  private final int fed;
  private final int length;

  /**
   * Lays a batch out.
   *
   * @param fed how many of the N image tokens the model reads
   * @param vocabulary size of the vocabulary
   * @throws InvalidRequestException if an id or a token is not of the vocabulary
   */
  BatchLayout(TokenBatch batch, ImageVocabulary images, int fed, int vocabulary) {
    this.batch = batch;
    this.images = images;
    this.fed = fed;
    this.length =
        batch.sequences().stream().mapToInt(sequence -> sequence.prompt().length()).max().orElse(0)
            + fed;
    for (int i = 0; i < batch.size(); i++) {
      Sequence sequence = batch.sequences().get(i);
      check("prompt id", i, sequence.prompt().toArray(), vocabulary);
      check("image token", i, sequence.tokens(), images.codes());
    }
  }

  private static void check(String name, int sequence, int[] values, int end) {
    for (int i = 0; i < values.length; i++) {
      if (values[i] < 0 || values[i] >= end) {
        throw new InvalidRequestException(
            String.format(
                "%s %d of sequence %d must be in [0, %d), but is %d",
                name, i, sequence, end, values[i]));
      }
    }
  }

  /** T. */
  int length() {
    return length;
  }

  /** {@code [B * T]} vocabulary ids. */
  Tensor ids() {
    long[] ids = new long[batch.size() * length];
    for (int i = 0; i < batch.size(); i++) {
      int at = i * length;
      for (int id : batch.sequences().get(i).prompt().toArray()) {
        ids[at++] = id;
      }
      int[] tokens = batch.sequences().get(i).tokens();
      for (int k = 0; k < fed; k++) {
        ids[at++] = images.first() + tokens[k];
      }
    }
    return torch.tensor(ids);
  }

  /** {@code [B * (fed + 1)]}: the rows, of all B * T, of the prompt's last id and what follows. */
  Tensor rows() {
    long[] rows = new long[batch.size() * (fed + 1)];
    for (int i = 0; i < batch.size(); i++) {
      long last = (long) i * length + batch.sequences().get(i).prompt().length() - 1;
      for (int k = 0; k <= fed; k++) {
        rows[i * (fed + 1) + k] = last + k;
      }
    }
    return torch.tensor(rows);
  }

  /** {@code [B * N, 1]} image codes. */
  Tensor targets() {
    int each = batch.tokens();
    long[] targets = new long[batch.size() * each];
    for (int i = 0; i < targets.length; i++) {
      targets[i] = batch.sequences().get(i / each).tokens()[i % each];
    }
    return torch.tensor(targets).unsqueeze(1);
  }
}
