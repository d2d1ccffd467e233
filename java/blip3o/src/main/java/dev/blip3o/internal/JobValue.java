package dev.blip3o.internal;

/** {@code blip3o_value}, in its order. */
public enum JobValue {
  TOKENS,
  HIDDEN_STATES,
  CONDITION,
  NULL_CONDITION,
  NOISE,
  SIGMAS,
  LATENTS,
  IMAGE,
  PIXELS,
  FIRST_LOGITS,
  VELOCITY_FIRST,
  VELOCITY_NULL_FIRST,
  LATENTS_FIRST,
  REFERENCE_TOKENS,
  REFERENCE_LATENTS
}
