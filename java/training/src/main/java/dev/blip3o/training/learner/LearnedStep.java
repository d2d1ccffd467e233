package dev.blip3o.training.learner;

import dev.blip3o.training.grpo.TokenSums;

/**
 * What a step was like.
 *
 * @param loss mean over the iterations
 * @param sums over the tokens of all iterations
 * @param gradientNorm of the last iteration, before it was clipped
 */
public record LearnedStep(double loss, TokenSums sums, double gradientNorm) {}
