/**
 * The language model in LibTorch, with gradients: {@link dev.blip3o.torch.model.LanguageModel}. It
 * computes what the engine computes, from the same weights, and is meant for training alone: it has
 * no cache of keys and values, and draws no tokens.
 *
 * <p>Shape letters: B sequences, T positions, N image tokens, H hidden size, V vocabulary, d size
 * of a head.
 *
 * <p>Native memory: methods close what they make on the way; a tensor that is returned belongs to
 * the caller, or to the caller's {@code PointerScope} where there is one. A model is used by one
 * thread at a time, whose operations LibTorch spreads over its own ({@code torch.set_num_threads}).
 */
package dev.blip3o.torch.model;
