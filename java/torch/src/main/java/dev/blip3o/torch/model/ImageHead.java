package dev.blip3o.torch.model;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * From the last layer's rows to logits and log-probabilities of image codes: the final norm, then
 * the image tokens' rows of the head.
 *
 * @param norm {@code [H]}
 * @param head {@code [codes, H]}
 * @param eps of the norm
 */
record ImageHead(Tensor norm, Tensor head, double eps) {
  /** {@code rows [R, H]} after the norm. */
  Tensor hiddenStates(Tensor rows) {
    return DecoderLayer.rmsNorm(rows, norm, eps);
  }

  /** {@code [R, codes]} of {@code rows [R, H]}. */
  Tensor logits(Tensor rows) {
    return torch.linear(hiddenStates(rows), head);
  }

  /** {@code [R]}: log-probability of {@code targets [R, 1]} among all codes, at temperature 1. */
  Tensor logProbabilities(Tensor rows, Tensor targets) {
    return Scopes.keep(() -> logits(rows).log_softmax(1).gather(1, targets).squeeze(1));
  }
}
