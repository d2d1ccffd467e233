/**
 * Group relative policy optimisation: advantages, the loss, and the optimiser.
 *
 * <p>Source: Shao et al., DeepSeekMath (arXiv 2402.03300), as the public BLIP3o-NEXT recipe runs
 * it: Hugging Face TRL's {@code GRPOTrainer} of August 2025 with groups of 16, a learning rate of
 * 1e-6 with a cosine schedule, KL weight 0.001 and that trainer's other defaults ({@code
 * trl/train_grpo.py}, {@code trl/trl/trainer/grpo_trainer.py: _compute_loss}).
 *
 * <p>What holds tensors loads LibTorch; the rest is plain Java in double precision. Shapes: B
 * sequences of a batch, T tokens of a sequence, V entries of the image vocabulary.
 */
package dev.blip3o.training.grpo;
