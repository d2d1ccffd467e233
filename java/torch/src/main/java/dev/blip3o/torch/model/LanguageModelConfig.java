package dev.blip3o.torch.model;

/** The sizes of a Qwen3 language model, as a checkpoint's config.json has them. */
public record LanguageModelConfig(
    int hiddenSize,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    int intermediateSize,
    int vocabularySize,
    double rmsNormEps,
    double ropeTheta,
    boolean tiedEmbeddings) {}
