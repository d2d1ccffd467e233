/**
 * The command {@code blip3o train}: reinforcement learning of a checkpoint, and the measuring of
 * checkpoints. The command line finds it by {@link dev.blip3o.cli.CommandProvider} where this
 * artifact is on the class path, and LibTorch with it.
 */
package dev.blip3o.cli.training;
