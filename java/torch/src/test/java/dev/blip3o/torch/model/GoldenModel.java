package dev.blip3o.torch.model;

import dev.blip3o.Blip3oModel;
import dev.blip3o.LanguageModelConfig;
import dev.blip3o.LanguageModelWeights;
import dev.blip3o.PromptIds;
import dev.blip3o.WeightTensor;
import dev.blip3o.torch.LibTorch;
import dev.blip3o.torch.model.Safetensors.Entry;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.global.torch;

/** The language models of the golden checkpoints, and what the reference computed with them. */
record GoldenModel(
    Path directory,
    LanguageModelConfig config,
    ImageVocabulary images,
    List<WeightTensor> weights) {

  static GoldenModel read(String name) {
    Path golden = Path.of(System.getProperty("blip3o.root")).resolve("tests/golden/reference");
    Path directory = golden.resolve(name).resolve("model");
    try (Blip3oModel engine = Blip3oModel.open(directory)) {
      LanguageModelWeights weights = engine.languageModelWeights();
      return new GoldenModel(
          directory,
          weights.config(),
          new ImageVocabulary(engine.info().imageTokenFirst(), engine.info().imageCodes()),
          weights.tensors().toList());
    }
  }

  LanguageModel open(LanguageModelOptions options) {
    LibTorch.load();
    torch.set_num_threads(1); // Small products only: threads that wait for each other cost more.
    return LanguageModel.of(config, images, weights, options);
  }

  /** The tensors of a job's trace. */
  Map<String, Entry> trace(int job) {
    return Safetensors.read(directory.resolveSibling("job" + job).resolve("trace.safetensors"));
  }

  /** The prompt and the tokens of a job. */
  TokenBatch.Sequence sequence(int job) {
    Map<String, Entry> trace = trace(job);
    return new TokenBatch.Sequence(
        PromptIds.of(trace.get("input_ids").ints()), trace.get("tokens").ints());
  }
}
