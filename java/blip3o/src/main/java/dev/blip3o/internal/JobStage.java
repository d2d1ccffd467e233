package dev.blip3o.internal;

/** {@code blip3o_stage}, in its order. */
public enum JobStage {
  REFERENCES,
  TOKENS,
  CONDITION,
  LATENTS,
  PIXELS
}
