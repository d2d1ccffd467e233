package dev.blip3o.training;

import dev.blip3o.Blip3oModel;
import dev.blip3o.CancellationToken;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.torch.LibTorch;
import dev.blip3o.training.checkpoint.CheckpointFolder;
import dev.blip3o.training.grpo.AdamWSettings;
import dev.blip3o.training.grpo.CosineSchedule;
import dev.blip3o.training.grpo.GrpoSettings;
import dev.blip3o.training.grpo.SelectedGroups;
import dev.blip3o.training.grpo.TokenSums;
import dev.blip3o.training.learner.DrawnSequence;
import dev.blip3o.training.learner.LearnedStep;
import dev.blip3o.training.learner.Learner;
import dev.blip3o.training.learner.LearnerSettings;
import dev.blip3o.training.prompts.TrainingPrompt;
import dev.blip3o.training.report.CheckpointPictures;
import dev.blip3o.training.report.MetricsFile;
import dev.blip3o.training.report.ReportPage;
import dev.blip3o.training.report.StepMetrics;
import dev.blip3o.training.resume.TensorState;
import dev.blip3o.training.resume.TrainedCheckpoint;
import dev.blip3o.training.resume.TrainingState;
import dev.blip3o.training.rewards.GroupScorer;
import dev.blip3o.training.rewards.GroupScores;
import dev.blip3o.training.rewards.RetryPolicy;
import dev.blip3o.training.rewards.Reward;
import dev.blip3o.training.rewards.RewardException;
import dev.blip3o.training.rollouts.Rollout;
import dev.blip3o.training.rollouts.RolloutGroup;
import dev.blip3o.training.rollouts.RolloutSettings;
import dev.blip3o.training.rollouts.Rollouts;
import dev.blip3o.training.run.PromptSchedule;
import dev.blip3o.training.run.RunFolder;
import dev.blip3o.training.run.SamplePictures;
import dev.blip3o.training.run.Seeds;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch;

/** The steps of a run, one after the other. One thread at a time. */
final class TrainingLoop implements AutoCloseable {
  private final Parts parts;
  private final Seeds seeds;
  private final PromptSchedule schedule;
  private final CosineSchedule rates;
  private final SamplePictures samples;
  private final Rollouts rollouts;
  private final Learner learner;
  private int step;

  /**
   * What a run works with; none of it is the loop's to close.
   *
   * @param model the folder of the checkpoint that it began with
   * @param engine the same, opened
   * @param state of the run before its first step
   */
  record Parts(
      Path model,
      Blip3oModel engine,
      List<TrainingPrompt> prompts,
      Reward reward,
      TrainingSettings settings,
      RunFolder run,
      MetricsFile metrics,
      TrainingState state,
      TrainingListener listener,
      CancellationToken cancellation) {}

  TrainingLoop(Parts parts) {
    this.parts = parts;
    TrainingSettings settings = parts.settings();
    this.seeds = new Seeds(settings.seed());
    this.schedule = new PromptSchedule(parts.prompts(), settings.prompts(), seeds);
    this.rates = new CosineSchedule(settings.learningRate(), settings.warmUp(), settings.steps());
    this.samples = SamplePictures.of(parts.prompts());
    this.rollouts =
        new Rollouts(
            parts.engine(),
            new GroupScorer(parts.reward(), RetryPolicy.DEFAULT),
            new RolloutSettings(
                settings.groupSize(), settings.denoisingSteps(), settings.guidance()));
    LibTorch.load();
    torch.set_num_threads(threads(settings, parts.engine().info().threads()));
    this.learner =
        new Learner(
            parts.engine().languageModelWeights(),
            parts.engine().info(),
            learnerSettings(settings, parts.engine().info().imageTokens()));
  }

  /**
   * LibTorch's threads and OpenBLAS's wait for work in busy loops, each in the way of the other,
   * unless the environment says otherwise before they are loaded.
   */
  private static int threads(TrainingSettings settings, int processors) {
    if (settings.threads() > 0) {
      return settings.threads();
    }
    return "passive".equalsIgnoreCase(System.getenv("OMP_WAIT_POLICY")) ? processors : 1;
  }

  private static LearnerSettings learnerSettings(TrainingSettings settings, int tokens) {
    return new LearnerSettings(
        new GrpoSettings(settings.clip(), settings.klWeight(), settings.variant(), tokens),
        AdamWSettings.DEFAULT,
        settings.gradientLimit(),
        settings.iterations(),
        settings.sequencesAtOnce(),
        settings.layerCheckpointing());
  }

  /** Draws what the starting model makes of the report's prompts. */
  void begin() {
    updateEngine();
    samples.draw(parts.engine(), parts.run().pictures(0), parts.cancellation());
  }

  /** Stands where a checkpoint was written. */
  void restore(Path checkpoint, int steps) {
    TensorState.restore(
        checkpoint.resolve(CheckpointFolder.TRAINING), learner.parameters(), learner.optimiser());
    updateEngine();
    step = steps;
  }

  /**
   * The engine draws with what the learner has, in 32-bit floats from the start: a run that is
   * resumed must not differ from one that isn't by how a checkpoint stores its weights.
   */
  private void updateEngine() {
    parts.engine().updateLanguageModel(learner.weights());
  }

  /** Goes on to the last step. Returns the last checkpoint. */
  Path run() {
    int last = parts.settings().steps();
    int saved = step;
    try {
      while (step < last) {
        StepMetrics metrics = step(step + 1);
        step++;
        parts.metrics().append(metrics);
        parts.listener().onStep(metrics);
        if (step % parts.settings().checkpointEvery() == 0 || step == last) {
          samples.draw(parts.engine(), parts.run().pictures(step), parts.cancellation());
          save();
          saved = step;
        }
      }
    } catch (GenerationCancelledException e) {
      if (step > saved) {
        save();
      }
      throw e;
    }
    report();
    return parts.run().checkpoint(last);
  }

  private StepMetrics step(int number) {
    List<TrainingPrompt> prompts = schedule.step(number);
    int pictures = prompts.size() * parts.settings().groupSize();
    Rollout rollout =
        rollouts.draw(
            prompts,
            groupSeeds(number, prompts.size()),
            done -> parts.listener().onPicture(number, done, pictures),
            parts.cancellation());
    SelectedGroups selected = select(number, rollout);
    long begin = System.nanoTime();
    double rate = rates.at(number - 1);
    Optional<LearnedStep> learned = Optional.empty();
    if (!selected.groups().isEmpty()) {
      learned =
          Optional.of(learner.learn(sequences(rollout, selected), rate, parts.cancellation()));
      updateEngine();
    }
    double seconds = (System.nanoTime() - begin) * 1e-9;
    return metrics(number, rollout, selected, learned, rate, pictures, seconds);
  }

  private long[] groupSeeds(int number, int groups) {
    long[] all = new long[groups];
    for (int i = 0; i < groups; i++) {
      all[i] = seeds.group(number, i);
    }
    return all;
  }

  /** Leaves out what teaches nothing. */
  private SelectedGroups select(int number, Rollout rollout) {
    List<Optional<double[]>> scores = new ArrayList<>();
    RewardException last = null;
    for (RolloutGroup group : rollout.groups()) {
      if (group.scores() instanceof GroupScores.Scored scored) {
        scores.add(Optional.of(scored.scores()));
      } else if (group.scores() instanceof GroupScores.Dropped dropped) {
        scores.add(Optional.empty());
        last = dropped.last();
        parts.listener().onGroupDropped(number, group.prompt().text(), last);
      }
    }
    if (scores.stream().allMatch(Optional::isEmpty)) {
      throw new RewardException(
          "no group of step "
              + number
              + " could be scored, so that the run ends: "
              + last.getMessage()
              + "; once the reward works, resume from the last checkpoint, or begin again",
          last);
    }
    return SelectedGroups.of(scores);
  }

  private static List<DrawnSequence> sequences(Rollout rollout, SelectedGroups selected) {
    List<DrawnSequence> sequences = new ArrayList<>();
    for (SelectedGroups.Group group : selected.groups()) {
      RolloutGroup drawn = rollout.groups().get(group.index());
      double[] advantages = group.advantages();
      for (int i = 0; i < advantages.length; i++) {
        sequences.add(drawn.sequence(i, advantages[i]));
      }
    }
    return sequences;
  }

  private static StepMetrics metrics(
      int number,
      Rollout rollout,
      SelectedGroups selected,
      Optional<LearnedStep> learned,
      double rate,
      int pictures,
      double gradientSeconds) {
    TokenSums sums = learned.map(LearnedStep::sums).orElse(TokenSums.NONE);
    return new StepMetrics(
        number,
        selected.meanReward(),
        selected.meanDeviation(),
        sums.meanKl(),
        sums.clippedShare(),
        sums.meanEntropy(),
        learned.map(LearnedStep::loss).orElse(Double.NaN),
        learned.map(LearnedStep::gradientNorm).orElse(Double.NaN),
        rate,
        selected.groups().size(),
        selected.skipped(),
        selected.dropped(),
        pictures,
        rollout.drawingSeconds(),
        rollout.scoringSeconds(),
        gradientSeconds);
  }

  private void save() {
    TrainingState state = parts.state();
    TrainedCheckpoint.write(
        parts.model(),
        parts.run().checkpoint(step),
        new TrainingState(step, state.startingModel(), state.settings()),
        learner.parameters(),
        learner.optimiser());
    report();
    parts.listener().onCheckpoint(step, parts.run().checkpoint(step));
  }

  private void report() {
    List<CheckpointPictures> pictures = new ArrayList<>();
    List<Integer> drawn = new ArrayList<>(List.of(0));
    parts.run().steps().stream().filter(one -> one <= step).forEach(drawn::add);
    for (int one : drawn) {
      samples.read(one, parts.run().pictures(one)).ifPresent(pictures::add);
    }
    Path model = parts.model().toAbsolutePath().normalize().getFileName();
    String title = "GRPO of " + model + " for " + parts.reward().name();
    List<StepMetrics> steps = MetricsFile.read(parts.run().metrics());
    new ReportPage(title, steps, samples.texts(), pictures).write(parts.run().report());
  }

  @Override
  public void close() {
    learner.close();
  }
}
