/**
 * Scores for pictures.
 *
 * <p>A {@link dev.blip3o.training.rewards.Reward} scores a batch; {@link
 * dev.blip3o.training.rewards.GroupScorer} tries again where that fails or hangs, and drops the
 * group in the end, so that a fault of the reward is never taken for a bad picture. What can't get
 * better by trying again, a score that is no number or one too many, is a {@link
 * dev.blip3o.training.rewards.RewardContractException} and ends the run.
 */
package dev.blip3o.training.rewards;
