/**
 * The half of a training step that computes gradients: drawn tokens with their advantages in,
 * changed weights out.
 */
package dev.blip3o.training.learner;
