/**
 * The half of a training step that makes pictures: prompts in, groups of pictures with their tokens
 * and scores out.
 */
package dev.blip3o.training.rollouts;
