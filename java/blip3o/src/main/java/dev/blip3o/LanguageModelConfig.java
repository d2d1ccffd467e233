package dev.blip3o;

/**
 * How a checkpoint's language model, a Qwen3, is shaped.
 *
 * @param vocabularySize V: text, tags and image tokens
 * @param hiddenSize H
 * @param intermediateSize of the feed-forward layers
 * @param layers how many
 * @param heads attention heads of queries
 * @param kvHeads attention heads of keys and values; divides {@code heads}
 * @param headDim d, of one head; {@code heads * headDim} need not be H
 * @param maxPositions the longest sequence
 * @param tiedEmbeddings whether the head is the embeddings: there is no {@code lm_head.weight} then
 * @param rmsNormEps the epsilon of every RMSNorm
 * @param ropeTheta the base of the rotary embedding's angles
 */
public record LanguageModelConfig(
    int vocabularySize,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    int maxPositions,
    boolean tiedEmbeddings,
    double rmsNormEps,
    double ropeTheta) {}
