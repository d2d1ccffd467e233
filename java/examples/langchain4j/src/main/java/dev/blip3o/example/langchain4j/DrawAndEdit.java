package dev.blip3o.example.langchain4j;

import dev.blip3o.langchain4j.Blip3oImageModel;
import dev.blip3o.langchain4j.Blip3oImageOptions;
import dev.langchain4j.data.image.Image;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.model.image.ImageModel;
import dev.langchain4j.model.output.Response;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Draws a picture from a prompt; with {@code --edit} also an edit of it. */
@Command(
    name = "draw-and-edit",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Draws a picture, and edits it or a part of it.")
public final class DrawAndEdit implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "PROMPT", description = "What the picture shows.")
  private String prompt;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      defaultValue = "picture.png",
      description = "The picture, a PNG (${DEFAULT-VALUE}).")
  private Path output;

  @Option(
      names = {"-e", "--edit"},
      paramLabel = "INSTRUCTION",
      description = "What to change in the picture.")
  private Optional<String> instruction;

  @Option(
      names = {"-a", "--area"},
      paramLabel = "X,Y,W,H",
      converter = Area.Converter.class,
      description = "The only pixels that the edit may change.")
  private Optional<Area> area;

  @Option(
      names = "--edited",
      paramLabel = "FILE",
      defaultValue = "edited.png",
      description = "The edited picture, a PNG (${DEFAULT-VALUE}).")
  private Path edited;

  @Option(
      names = {"-m", "--model"},
      paramLabel = "DIR",
      defaultValue = "weights/demo",
      description = "The checkpoint (${DEFAULT-VALUE}).")
  private Path model;

  @Option(names = "--seed", description = "Makes the pictures repeatable.")
  private Optional<Long> seed;

  private DrawAndEdit() {}

  /** Runs the command line and ends the process. */
  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  static CommandLine commandLine() {
    CommandLine line = new CommandLine(new DrawAndEdit());
    line.setExecutionExceptionHandler(
        (failure, command, parsed) -> {
          if (!(failure instanceof LangChain4jException || failure instanceof IOException)) {
            throw failure;
          }
          command.getErr().println(failure.getMessage());
          return CommandLine.ExitCode.SOFTWARE;
        });
    return line;
  }

  @Override
  public Integer call() throws IOException {
    try (Blip3oImageModel images =
        Blip3oImageModel.builder(model).defaultOptions(options()).build()) {
      Image picture = draw(images);
      if (instruction.isPresent()) {
        edit(images, picture, instruction.get());
      }
    }
    return CommandLine.ExitCode.OK;
  }

  private Blip3oImageOptions options() {
    Blip3oImageOptions.Builder options = Blip3oImageOptions.builder();
    seed.ifPresent(options::seed);
    return options.build();
  }

  private Image draw(ImageModel images) throws IOException {
    Response<Image> response = images.generate(prompt);
    write(response, output);
    return response.content();
  }

  private void edit(ImageModel images, Image picture, String change) throws IOException {
    if (area.isPresent()) {
      write(images.edit(picture, area.get().maskOf(picture), change), edited);
    } else {
      write(images.edit(picture, change), edited);
    }
  }

  private void write(Response<Image> response, Path file) throws IOException {
    Files.write(file, Base64.getDecoder().decode(response.content().base64Data()));
    List<?> seeds = (List<?>) response.metadata().get(Blip3oImageModel.SEEDS);
    spec.commandLine().getOut().println(file + ": seed " + seeds.get(0));
  }
}
