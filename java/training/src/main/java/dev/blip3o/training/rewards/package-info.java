/**
 * Scores for pictures.
 *
 * <p>A {@link dev.blip3o.training.rewards.Reward} scores a batch; {@link
 * dev.blip3o.training.rewards.GroupScorer} tries again where that fails or hangs, and drops the
 * group in the end, so that a fault of the reward is never taken for a bad picture. What can't get
 * better by trying again, a score that is no number or one too many, is a {@link
 * dev.blip3o.training.rewards.RewardContractException} and ends the run.
 *
 * <p>Scorers outside of the JVM, {@link dev.blip3o.training.rewards.ProcessReward} and {@link
 * dev.blip3o.training.rewards.HttpReward}, are asked and answer in JSON objects without a line
 * break:
 *
 * <pre>
 * {"id": 1, "pictures": [{"prompt": "a red circle", "fields": {"text": "OPEN"}, "png": "iVBOR…"}]}
 * {"id": 1, "scores": [0.75]}
 * {"id": 1, "error": "out of memory"}
 * </pre>
 *
 * <p>{@code png} is a PNG in Base64; {@code fields} are the further fields of the prompt's line.
 * The answer's {@code scores} are in the order of the pictures, one for each. An {@code error} is
 * tried again.
 */
package dev.blip3o.training.rewards;
