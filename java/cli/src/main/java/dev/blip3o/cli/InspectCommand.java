package dev.blip3o.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blip3o.Blip3oModel;
import dev.blip3o.ModelOptions;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code blip3o inspect}: what a checkpoint holds. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Says what a checkpoint holds, with sizes, and whether everything needed is there.",
      "With --device also what memory it and its requests will take there; no such device need be"
          + " here.",
      "",
      "Ends with exit code 1 if something is missing or wrong."
    },
    footer = {
      "",
      "Examples:",
      "  blip3o inspect                          the demo checkpoint",
      "  blip3o inspect --check models/blip3o    also look for NaN and infinity",
      "  blip3o inspect --json models/blip3o     for programs",
      "  blip3o inspect --device cuda --quantize int8 models/blip3o"
    })
final class InspectCommand implements Callable<Integer> {
  private final Environment environment;

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "DIR",
      arity = "0..1",
      description = "The checkpoint. Default: weights/demo.")
  private Path directory;

  @Option(
      names = "--diffusion",
      paramLabel = "DIR",
      description =
          "The diffusers directory that goes with it. Default: what the checkpoint's config.json"
              + " says.")
  private Path diffusion;

  @Mixin private ComputeArgument compute;
  @Mixin private DeviceArguments device;

  @Option(names = "--check", description = "Also read every value and look for NaN and infinity.")
  private boolean check;

  @Option(names = "--json", description = "Print the report as JSON.")
  private boolean json;

  InspectCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    Path place = ModelArguments.directory(directory, environment.root(), "DIR");
    String text = inspect(place);
    CheckpointReport report = new CheckpointReport(parse(text));
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(text);
    } else {
      report.print(out, check);
    }
    out.flush();
    if (report.complete()) {
      return ExitCodes.OK;
    }
    throw new CliException(
        "the checkpoint " + place + " is not in order: " + report.firstProblem());
  }

  /** The library's report, and what the tokenizer lacks where the weights would do for editing. */
  private String inspect(Path place) {
    ModelOptions.Builder options =
        ModelOptions.builder().diffusionDirectory(diffusion).compute(compute.type());
    String text = Blip3oModel.inspect(place, device.apply(options).build(), check);
    JsonNode report = parse(text);
    if (report.path("capabilities").path("editing") instanceof ObjectNode editing
        && editing.path("available").asBoolean()) {
      Optional<String> lack = TokenizerCheck.editingLack(place);
      if (lack.isPresent()) {
        editing.put("available", false).put("lacks", lack.get());
        return report.toPrettyString();
      }
    }
    return text;
  }

  private static JsonNode parse(String report) {
    try {
      return new JsonMapper().readTree(report);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("the library's report is no JSON", e);
    }
  }
}
