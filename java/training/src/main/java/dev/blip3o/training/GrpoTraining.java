package dev.blip3o.training;

import dev.blip3o.Blip3oModel;
import dev.blip3o.CancellationToken;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.ModelOptions;
import dev.blip3o.training.checkpoint.CheckpointFolder;
import dev.blip3o.training.prompts.PromptsFile;
import dev.blip3o.training.prompts.TrainingPrompt;
import dev.blip3o.training.report.MetricsFile;
import dev.blip3o.training.resume.ModelFingerprint;
import dev.blip3o.training.resume.TrainingState;
import dev.blip3o.training.rewards.Reward;
import dev.blip3o.training.run.RunFolder;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;

/**
 * Reinforcement learning of a checkpoint: in each step the engine draws groups of pictures, a
 * reward scores them, and LibTorch makes the tokens of those that are better than their group
 * likelier.
 *
 * <pre>{@code
 * try (Reward reward = ScenesReward.partial()) {
 *   GrpoTraining training =
 *       new GrpoTraining(model, prompts, reward, TrainingSettings.builder(100).build(), folder);
 *   Path checkpoint = training.run(TrainingListener.NONE, new CancellationToken());
 *   try (Blip3oModel better = Blip3oModel.open(checkpoint)) {
 *     better.generate(ImageRequest.of("a red circle")).writePng(Path.of("picture.png"));
 *   }
 * }
 * }</pre>
 *
 * <p>Equal settings give equal curves and weights, to the bit, on equal machines; so does a run
 * that was interrupted and resumed. When a run fails or is cancelled, its last checkpoint is whole;
 * a cancelled one writes another for the steps that it has taken.
 *
 * <p>Immutable. Two runs at a time are two threads that share LibTorch's number of threads.
 */
public final class GrpoTraining {
  /** What the queue limit 0 means. */
  private static final int USUAL_QUEUE = 256;

  private final Path model;
  private final ModelOptions options;
  private final Path prompts;
  private final Reward reward;
  private final TrainingSettings settings;
  private final Path folder;

  /** A run of the checkpoint {@code model} with the default options. */
  public GrpoTraining(
      Path model, Path prompts, Reward reward, TrainingSettings settings, Path folder) {
    this(model, ModelOptions.defaults(), prompts, reward, settings, folder);
  }

  /**
   * A run.
   *
   * @param model the checkpoint to begin with
   * @param options how it is opened; its queue grows to a step's pictures where it is shorter
   * @param prompts a {@link PromptsFile}
   * @param reward scores pictures; stays its caller's to close
   * @param settings the numbers
   * @param folder where the run's files go: metrics, report, checkpoints
   */
  public GrpoTraining(
      Path model,
      ModelOptions options,
      Path prompts,
      Reward reward,
      TrainingSettings settings,
      Path folder) {
    this.model = Objects.requireNonNull(model, "model");
    this.prompts = Objects.requireNonNull(prompts, "prompts");
    this.reward = Objects.requireNonNull(reward, "reward");
    this.settings = Objects.requireNonNull(settings, "settings");
    this.folder = Objects.requireNonNull(folder, "folder");
    this.options = withRoom(options, settings);
  }

  private static ModelOptions withRoom(ModelOptions options, TrainingSettings settings) {
    int pictures = settings.prompts() * settings.groupSize();
    int limit = options.queueLimit() == 0 ? USUAL_QUEUE : options.queueLimit();
    return options.toBuilder().queueLimit(Math.max(limit, pictures)).build();
  }

  /**
   * Begins a run and goes on to its last step.
   *
   * @return the last checkpoint
   * @throws dev.blip3o.InvalidRequestException if the folder holds a run, or a setting is not the
   *     model's
   * @throws dev.blip3o.training.prompts.PromptsFileException if the prompts can't be used
   * @throws dev.blip3o.training.rewards.RewardContractException if a reward gives no finite score
   *     for each picture
   * @throws dev.blip3o.training.rewards.RewardException if no group of a step could be scored
   * @throws dev.blip3o.OutputException if something can't be written, for example as the disk is
   *     full
   * @throws GenerationCancelledException if it was cancelled
   * @throws dev.blip3o.NativeLibraryException if LibTorch is missing
   */
  public Path run(TrainingListener listener, CancellationToken cancellation) {
    try (Blip3oModel engine = Blip3oModel.open(model, options)) {
      List<TrainingPrompt> all = prompts(engine);
      TrainingState state = state(all);
      RunFolder run = RunFolder.create(folder);
      try (MetricsFile metrics = MetricsFile.create(run.metrics());
          TrainingLoop loop = loop(engine, all, run, metrics, state, listener, cancellation)) {
        loop.begin();
        return loop.run();
      }
    }
  }

  /**
   * Goes on from a run's last checkpoint to its last step, as if it had never stopped. A run that
   * is over is left as it is.
   *
   * @return the last checkpoint
   * @throws dev.blip3o.training.resume.ResumeException if the folder holds no checkpoint, or one of
   *     another model or other settings
   */
  public Path resume(TrainingListener listener, CancellationToken cancellation) {
    RunFolder run = RunFolder.existing(folder);
    int step = run.steps().get(run.steps().size() - 1);
    Path checkpoint = run.checkpoint(step);
    try (Blip3oModel engine = Blip3oModel.open(model, options)) {
      List<TrainingPrompt> all = prompts(engine);
      TrainingState state = state(all);
      TrainingState found = TrainingState.read(checkpoint.resolve(CheckpointFolder.TRAINING));
      found.checkContinuedBy(state.startingModel(), state.settings());
      try (MetricsFile metrics = MetricsFile.resume(run.metrics(), found.step());
          TrainingLoop loop = loop(engine, all, run, metrics, state, listener, cancellation)) {
        loop.restore(checkpoint, found.step());
        return loop.run();
      }
    }
  }

  private TrainingLoop loop(
      Blip3oModel engine,
      List<TrainingPrompt> all,
      RunFolder run,
      MetricsFile metrics,
      TrainingState state,
      TrainingListener listener,
      CancellationToken cancellation) {
    return new TrainingLoop(
        new TrainingLoop.Parts(
            model, engine, all, reward, settings, run, metrics, state, listener, cancellation));
  }

  private List<TrainingPrompt> prompts(Blip3oModel engine) {
    List<TrainingPrompt> all = PromptsFile.read(prompts, engine.stages()::prompt);
    all.forEach(reward::checkPrompt);
    return all;
  }

  /** Before the first step. */
  private TrainingState state(List<TrainingPrompt> all) {
    TreeMap<String, String> text = new TreeMap<>(settings.asText());
    text.put("prompts", PromptsFile.fingerprint(all));
    text.put("reward", reward.name());
    return new TrainingState(0, ModelFingerprint.of(model), text);
  }
}
