/**
 * Reinforcement learning of BLIP3o-NEXT: {@link dev.blip3o.training.GrpoTraining} runs it, {@link
 * dev.blip3o.training.Evaluation} measures what came of it.
 *
 * <p>A step: {@code prompts} → {@code rollouts} (the engine draws, {@code rewards} score) → {@code
 * learner} (LibTorch computes the gradients of {@code grpo}'s loss) → the engine's new weights.
 * What stays on disk is {@code run}'s: {@code report}, {@code checkpoint}, {@code resume}.
 */
package dev.blip3o.training;
