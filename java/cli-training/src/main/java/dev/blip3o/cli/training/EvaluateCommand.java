package dev.blip3o.cli.training;

import dev.blip3o.Blip3oModel;
import dev.blip3o.ModelOptions;
import dev.blip3o.cli.ComputeArgument;
import dev.blip3o.cli.Environment;
import dev.blip3o.cli.ExitCodes;
import dev.blip3o.cli.ModelArguments;
import dev.blip3o.cli.ProgressDisplay;
import dev.blip3o.cli.Text;
import dev.blip3o.cli.Version;
import dev.blip3o.training.Evaluation;
import dev.blip3o.training.EvaluationResult;
import dev.blip3o.training.prompts.TrainingPrompt;
import dev.blip3o.training.rewards.Reward;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code blip3o train evaluate}: how well a checkpoint does. */
@Command(
    name = "evaluate",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Draws each prompt once, as generate does by default, and prints the mean reward with its"
          + " standard error: of all, and of each kind of prompts, where lines of the file have the"
          + " field kind."
    },
    footer = {
      "",
      "Rewards are those of 'blip3o train grpo'.",
      "",
      "Examples:",
      "  blip3o train evaluate --prompts held-out.txt --reward scenes-whole",
      "  blip3o train evaluate --prompts held-out.txt --reward scenes-whole --json \\",
      "      --model run/checkpoints/step-000100"
    })
final class EvaluateCommand implements Callable<Integer> {
  private final Environment environment;

  @Spec private CommandSpec spec;
  @Mixin private ModelArguments model;
  @Mixin private ComputeArgument compute;
  @Mixin private RewardArguments rewards;
  @Mixin private DrawingArguments drawing;

  @Option(
      names = "--prompts",
      paramLabel = "FILE",
      required = true,
      description = "A UTF-8 file with one prompt a line, or one JSON object a line.")
  private Path prompts;

  @Option(names = "--json", description = "Print one line of JSON instead.")
  private boolean json;

  EvaluateCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    // All that can be wrong is found before the checkpoint is opened.
    drawing.check();
    ModelOptions options = model.options(compute.type());
    Path directory = model.directory(environment.root());
    try (Reward reward = rewards.open()) {
      Prompts.read(prompts, reward, prompt -> {});
      EvaluationResult result = evaluate(directory, options, reward);
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        out.println(EvaluationText.json(result, directory, reward.name(), drawing.seed()));
      } else {
        EvaluationText.lines(result).forEach(out::println);
      }
      out.flush();
      return ExitCodes.OK;
    }
  }

  private EvaluationResult evaluate(Path directory, ModelOptions options, Reward reward) {
    ProgressDisplay display =
        ProgressDisplay.create(
            spec.commandLine().getErr(), false, environment.terminal(), System::nanoTime);
    display.begin("loading " + Text.oneLine(directory.toString()));
    try (Blip3oModel open = Blip3oModel.open(directory, options)) {
      List<TrainingPrompt> all = Prompts.read(prompts, reward, open.stages()::prompt);
      display.startCounting();
      return new Evaluation(drawing.seed(), drawing.steps(), drawing.guidance())
          .of(
              open,
              all,
              reward,
              scored -> display.count("pictures", scored, all.size()),
              environment.cancellation());
    } finally {
      display.clear();
    }
  }
}
