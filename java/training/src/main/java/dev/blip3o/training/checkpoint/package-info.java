/**
 * Checkpoints on disk: tensors in safetensors files, and whole folders in the public layout, which
 * appear whole or not at all.
 */
package dev.blip3o.training.checkpoint;
