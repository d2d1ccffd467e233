/** The prompts that a training run draws. */
package dev.blip3o.training.prompts;
