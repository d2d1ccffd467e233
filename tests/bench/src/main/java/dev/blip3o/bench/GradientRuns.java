package dev.blip3o.bench;

import dev.blip3o.Blip3oModel;
import dev.blip3o.LanguageModelWeights;
import dev.blip3o.ModelInfo;
import dev.blip3o.ModelOptions;
import dev.blip3o.PromptIds;
import dev.blip3o.torch.LibTorch;
import dev.blip3o.torch.model.ImageVocabulary;
import dev.blip3o.torch.model.LanguageModel;
import dev.blip3o.torch.model.LanguageModelOptions;
import dev.blip3o.torch.model.TokenBatch;
import dev.blip3o.torch.model.TokenBatch.Sequence;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.bytedeco.pytorch.global.torch;

/** A checkpoint's language model in LibTorch, and gradients of random image tokens. */
final class GradientRuns implements AutoCloseable {
  private final LanguageModel model;
  private final TokenBatch batch;

  private GradientRuns(LanguageModel model, TokenBatch batch) {
    this.model = model;
    this.batch = batch;
  }

  /** Copies the weights, tensor by tensor, and closes the checkpoint again. */
  static GradientRuns open(GradientSettings settings, boolean checkpointing) {
    LibTorch.load();
    if (settings.threads() > 0) {
      torch.set_num_threads(settings.threads());
    }
    ModelOptions options = ModelOptions.builder().threads(settings.threads()).build();
    try (Blip3oModel engine = Blip3oModel.open(settings.model(), options)) {
      LanguageModelWeights weights = engine.languageModelWeights();
      TokenBatch batch = batch(settings, engine);
      return new GradientRuns(
          LanguageModel.of(
              weights.config(),
              ImageVocabulary.of(engine.info()),
              weights.tensors()::iterator,
              LanguageModelOptions.DEFAULT.withCheckpointing(checkpointing)),
          batch);
    }
  }

  private static TokenBatch batch(GradientSettings settings, Blip3oModel engine) {
    ModelInfo info = engine.info();
    PromptIds prompt = engine.stages().prompt(settings.prompt());
    SplittableRandom random = new SplittableRandom(settings.seed());
    int tokens = settings.tokens() == 0 ? info.imageTokens() : settings.tokens();
    List<Sequence> sequences =
        Stream.generate(() -> random.ints(tokens, 0, info.imageCodes()).toArray())
            .limit(settings.batch())
            .map(codes -> new Sequence(prompt, codes))
            .toList();
    return new TokenBatch(sequences);
  }

  /** Numbers that are trained. */
  long parameters() {
    return model.parameters().values().stream().mapToLong(parameter -> parameter.numel()).sum();
  }

  /** Positions that the model computes for a gradient: B · T. */
  int positions() {
    Sequence first = batch.sequences().get(0);
    return batch.size() * (first.prompt().length() + batch.tokens() - 1);
  }

  /** One gradient of all weights, from the tokens to the last parameter. */
  double seconds() {
    model.zeroGradients();
    long start = System.nanoTime();
    model.accumulateGradients(batch, chosen -> chosen.mean().neg());
    return StageRuns.secondsSince(start);
  }

  @Override
  public void close() {
    model.close();
  }
}
