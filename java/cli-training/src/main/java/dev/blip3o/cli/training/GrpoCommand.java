package dev.blip3o.cli.training;

import dev.blip3o.GenerationCancelledException;
import dev.blip3o.ModelOptions;
import dev.blip3o.cli.ComputeArgument;
import dev.blip3o.cli.Environment;
import dev.blip3o.cli.ExitCodes;
import dev.blip3o.cli.ModelArguments;
import dev.blip3o.cli.ProgressDisplay;
import dev.blip3o.cli.Text;
import dev.blip3o.cli.Version;
import dev.blip3o.training.GrpoTraining;
import dev.blip3o.training.TrainingSettings;
import dev.blip3o.training.rewards.Reward;
import dev.blip3o.training.run.RunFolder;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code blip3o train grpo}: reinforcement learning of a checkpoint. */
@Command(
    name = "grpo",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Trains a checkpoint's language model by reinforcement learning (GRPO): draws groups of"
          + " pictures of each prompt, scores them, and makes the image tokens of the better ones"
          + " likelier.",
      "",
      "Prints a line for each step. The folder gets checkpoints, which generate --model takes,"
          + " metrics.csv and report.html. An interrupt ends the run with a checkpoint of the steps"
          + " that are done; --resume goes on from the last one, to the same curve as if it had"
          + " never stopped."
    },
    footer = {
      "",
      "Rewards:",
      "  scenes          how much of a sentence about drawn shapes holds, 0 to 1",
      "  scenes-whole    1 where all of it holds, else 0",
      "  ocr             how close the text in the picture is to what the prompt has",
      "                  in double quotes, or the field text of its line",
      "  process:...     a program that is asked by lines of JSON",
      "  http://...      a service that is asked the same",
      "",
      "Examples:",
      "  blip3o train grpo --prompts prompts.txt --reward scenes --steps 100 -o run",
      "  blip3o train grpo --prompts prompts.txt --reward scenes --steps 100 -o run \\",
      "      --resume",
      "  blip3o train grpo --prompts signs.txt --reward ocr \\",
      "      --reward \"0.3*process:python3 taste.py\" --steps 500 -o run \\",
      "      --model models/blip3o --batch 4 --sequences 2",
      "",
      "docs/reinforcement-learning.md tells of prompts, rewards and what a run writes."
    })
final class GrpoCommand implements Callable<Integer> {
  /** Writing a checkpoint of a large model to a slow disk. */
  private static final Duration CHECKPOINT_TIME = Duration.ofMinutes(10);

  private final Environment environment;

  @Spec private CommandSpec spec;
  @Mixin private ModelArguments model;
  @Mixin private ComputeArgument compute;
  @Mixin private RewardArguments rewards;
  @Mixin private GrpoArguments numbers;
  @Mixin private DrawingArguments drawing;

  @Option(
      names = "--prompts",
      paramLabel = "FILE",
      required = true,
      description = "A UTF-8 file with one prompt a line, or one JSON object a line.")
  private Path prompts;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "DIR",
      required = true,
      description = "The run's folder; made if it is not there.")
  private Path output;

  @Option(
      names = "--resume",
      description =
          "Go on from the last checkpoint in the folder; all other options are those of the run.")
  private boolean resume;

  @Option(
      names = {"-q", "--quiet"},
      description = "Print nothing but errors.")
  private boolean quiet;

  GrpoCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    // All that can be wrong is found before the checkpoint is opened.
    TrainingSettings settings = numbers.settings(drawing);
    ModelOptions options = model.options(compute.type());
    Path directory = model.directory(environment.root());
    try (Reward reward = rewards.open()) {
      int count = Prompts.read(prompts, reward, prompt -> {}).size();
      int done = resume ? last(RunFolder.existing(output)) : 0;
      PrintWriter out = quiet ? silence() : spec.commandLine().getOut();
      printPlan(out, directory, count, reward, settings, done);
      environment.shutdownWait().add(CHECKPOINT_TIME);
      GrpoTraining training =
          new GrpoTraining(directory, options, prompts, reward, settings, output);
      Path checkpoint = train(training, directory, out, done, settings.steps());
      printEnd(out, checkpoint, options);
      return ExitCodes.OK;
    }
  }

  private static PrintWriter silence() {
    return new PrintWriter(Writer.nullWriter());
  }

  private static int last(RunFolder run) {
    List<Integer> steps = run.steps();
    return steps.get(steps.size() - 1);
  }

  private Path train(GrpoTraining training, Path directory, PrintWriter out, int done, int steps) {
    PrintWriter err = spec.commandLine().getErr();
    // Away from terminals the lines of the steps are enough.
    boolean bar = environment.terminal();
    ProgressDisplay progress = ProgressDisplay.create(err, quiet || !bar, bar, System::nanoTime);
    TrainingDisplay display =
        new TrainingDisplay(out, quiet ? silence() : err, progress, System::nanoTime, done, steps);
    display.loading(directory);
    try {
      return Prompts.blamed(
          () ->
              resume
                  ? training.resume(display, environment.cancellation())
                  : training.run(display, environment.cancellation()));
    } catch (GenerationCancelledException e) {
      display.clear();
      printWayOn(out);
      throw e;
    } finally {
      display.clear();
    }
  }

  private void printPlan(
      PrintWriter out,
      Path directory,
      int count,
      Reward reward,
      TrainingSettings settings,
      int done) {
    out.println("Training " + Text.oneLine(directory.toString()));
    out.println("  prompts      " + Text.count(count) + " of " + Text.oneLine(prompts.toString()));
    out.println("  reward       " + Text.oneLine(reward.name()));
    out.println(RunText.plan(settings) + ", in " + Text.oneLine(output.toString()));
    if (done > 0) {
      out.println("  going on     after step " + done);
    }
    out.flush();
  }

  private void printWayOn(PrintWriter out) {
    if (!new RunFolder(output).steps().isEmpty()) {
      out.println(
          "the same command with --resume goes on after step " + last(new RunFolder(output)));
      out.flush();
    }
  }

  private void printEnd(PrintWriter out, Path checkpoint, ModelOptions options) {
    RunFolder run = new RunFolder(output);
    out.println("report      " + Text.oneLine(run.report().toString()));
    out.println("metrics     " + Text.oneLine(run.metrics().toString()));
    out.println("checkpoint  " + Text.oneLine(checkpoint.toString()));
    String diffusion =
        options
            .diffusionDirectory()
            .map(folder -> " --diffusion " + RunText.shellWord(folder))
            .orElse("");
    out.println(
        "to use it:  blip3o generate \"a red circle\" --model "
            + RunText.shellWord(checkpoint)
            + diffusion);
    out.flush();
  }
}
