package dev.blip3o.bench;

import dev.blip3o.Blip3oModel;
import dev.blip3o.CancellationToken;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.HiddenStates;
import dev.blip3o.ImageRequest;
import dev.blip3o.InputImage;
import dev.blip3o.Latents;
import dev.blip3o.ModelInfo;
import dev.blip3o.Noise;
import dev.blip3o.ProgressListener;
import dev.blip3o.Stages;
import dev.blip3o.Timings;
import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * One timed run of a part of the pipeline on an open model. Seconds unless a name says otherwise.
 *
 * <p>"tokens" is from prompt ids to hidden states, prefill and all; "steps" from hidden states to
 * latents, connector and all: so the stages add up to the compute time, and are cut where the
 * timing programs of the reference cut.
 */
final class StageRuns {
  /** Tokens that are drawn before the rate is taken: caches and clocks settle. */
  private static final int SETTLING_TOKENS = 4;

  private final Blip3oModel model;
  private final ModelInfo info;
  private final BenchmarkSettings settings;
  private final SplittableRandom pictures;

  StageRuns(Blip3oModel model, BenchmarkSettings settings) {
    this.model = model;
    this.info = model.info();
    this.settings = settings;
    this.pictures = new SplittableRandom(settings.seed());
  }

  Map<String, Double> run(BenchmarkSettings.Part part) {
    return switch (part) {
      case ALL -> all();
      case TOKENS -> tokens();
      case STEPS -> steps();
      case DECODE -> decode();
      case ENCODE -> encode();
      case SIGLIP -> siglip();
      case ENCODERS -> encoders();
    };
  }

  /** A whole picture through {@code generate}: the native timings, and what Java and JNI add. */
  private Map<String, Double> all() {
    long start = System.nanoTime();
    Timings t = model.generate(request()).timings();
    double wall = secondsSince(start);
    Map<String, Double> m = new LinkedHashMap<>();
    m.put("tokenise", seconds(t.tokenizing()));
    m.put("prefill", seconds(t.prefill()));
    m.put("tokens", seconds(t.prefill().plus(t.tokens())));
    m.put("tokens_per_second", info.imageTokens() / seconds(t.tokens()));
    m.put("condition", seconds(t.condition()));
    m.put("steps", seconds(t.condition().plus(t.steps())));
    m.put("step", seconds(t.steps()) / settings.steps());
    m.put("decode", seconds(t.decode()));
    m.put("compute", seconds(t.compute()));
    m.put("total", wall);
    double overhead = Math.max(0, wall - seconds(t.compute()));
    m.put("java_jni", overhead);
    m.put("java_jni_percent", 100 * overhead / wall);
    m.put("workspace_mib", t.workspaceBytes() / 1048576.0);
    return m;
  }

  /** Image tokens alone, the first {@code maxTokens} of them; the rate is from the median gap. */
  private Map<String, Double> tokens() {
    List<Long> times = new ArrayList<>();
    CancellationToken cancellation = new CancellationToken();
    ProgressListener listener =
        progress -> {
          times.add(System.nanoTime());
          if (progress.index() >= settings.maxTokens()) {
            cancellation.cancel();
          }
        };
    long start = System.nanoTime();
    try {
      model.stages().imageTokens(request(), listener, cancellation);
    } catch (GenerationCancelledException e) {
      if (times.size() < settings.maxTokens()) {
        throw e;
      }
    }
    Map<String, Double> m = new LinkedHashMap<>();
    m.put("first_token", seconds(times.get(0) - start));
    m.put("tokens_per_second", 1 / medianGap(times, SETTLING_TOKENS));
    return m;
  }

  /** Denoising from random hidden states; what precedes the first step is "condition". */
  private Map<String, Double> steps() {
    Stages stages = model.stages();
    List<Long> times = new ArrayList<>();
    HiddenStates hidden = randomHiddenStates(stages);
    Noise noise = stages.noise(settings.seed());
    long start = System.nanoTime();
    var condition = stages.condition(hidden);
    stages.denoise(
        condition,
        noise,
        settings.steps(),
        settings.guidance(),
        progress -> times.add(System.nanoTime()),
        new CancellationToken());
    double wall = secondsSince(start);
    Map<String, Double> m = new LinkedHashMap<>();
    if (settings.steps() > 1) { // one step can't be told from what precedes it
      double step = medianGap(times, 0);
      m.put("condition", Math.max(0, wall - step * settings.steps()));
      m.put("step", step);
    }
    m.put("steps", wall);
    return m;
  }

  private Map<String, Double> decode() {
    Stages stages = model.stages();
    FloatBuffer noise = stages.noise(settings.seed()).values();
    float[] values = new float[noise.remaining()];
    noise.get(values);
    Latents latents =
        Latents.of(info.latentChannels(), info.latentHeight(), info.latentWidth(), values);
    long start = System.nanoTime();
    stages.decode(latents);
    return new LinkedHashMap<>(Map.of("decode", secondsSince(start)));
  }

  /** The autoencoder's encoder on a picture of the model's own size: nothing is resized. */
  private Map<String, Double> encode() {
    InputImage picture = nextPicture();
    long start = System.nanoTime();
    model.stages().referenceLatents(picture);
    return new LinkedHashMap<>(Map.of("encode", secondsSince(start)));
  }

  /**
   * The image tokenizer, resizing included. "siglip" ends with the vision encoder's last layer, as
   * the reference's does; the rest of "reference_tokens" is the task layer and the search of the
   * codes.
   */
  private Map<String, Double> siglip() {
    InputImage picture = nextPicture();
    long[] layersDone = {0};
    ProgressListener listener =
        progress -> {
          if (progress.index() == progress.count() - 1) {
            layersDone[0] = System.nanoTime();
          }
        };
    long start = System.nanoTime();
    model.stages().referenceTokens(picture, listener, new CancellationToken());
    Map<String, Double> m = new LinkedHashMap<>();
    m.put("reference_tokens", secondsSince(start));
    m.put("siglip", seconds(layersDone[0] - start));
    return m;
  }

  private Map<String, Double> encoders() {
    Map<String, Double> m = siglip();
    m.putAll(encode());
    return m;
  }

  /** A picture that was not seen before: the cache of encoded pictures never answers. */
  private InputImage nextPicture() {
    byte[] rgb = new byte[info.pictureHeight() * info.pictureWidth() * 3];
    pictures.nextBytes(rgb);
    return InputImage.ofRgb(info.pictureWidth(), info.pictureHeight(), rgb);
  }

  private ImageRequest request() {
    return ImageRequest.builder(settings.prompt())
        .seed(settings.seed())
        .steps(settings.steps())
        .guidance(settings.guidance())
        .build();
  }

  /** Hidden states of about the size that a final norm yields, from the noise of several seeds. */
  private HiddenStates randomHiddenStates(Stages stages) {
    float[] values = new float[(info.imageTokens() + 1) * info.hiddenSize()];
    for (int filled = 0, seed = 1; filled < values.length; seed++) {
      FloatBuffer noise = stages.noise(seed).values();
      int count = Math.min(noise.remaining(), values.length - filled);
      noise.get(values, filled, count);
      filled += count;
    }
    return HiddenStates.of(info.imageTokens() + 1, info.hiddenSize(), values);
  }

  private static double medianGap(List<Long> times, int skip) {
    List<Double> gaps = new ArrayList<>();
    int first = Math.min(skip, times.size() - 2);
    for (int i = first + 1; i < times.size(); i++) {
      gaps.add(seconds(times.get(i) - times.get(i - 1)));
    }
    return Samples.median(gaps);
  }

  static double secondsSince(long start) {
    return seconds(System.nanoTime() - start);
  }

  private static double seconds(long nanos) {
    return nanos / 1e9;
  }

  private static double seconds(Duration duration) {
    return duration.toNanos() / 1e9;
  }
}
