package dev.blip3o.cli;

import dev.blip3o.Blip3oException;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.InsufficientMemoryException;
import dev.blip3o.InvalidRequestException;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** Turns what went wrong into one line on standard error and an exit code. */
final class Failures implements IParameterExceptionHandler, IExecutionExceptionHandler {
  /** How a user of the launcher gets a larger heap. */
  static final String LARGER_HEAP =
      "the launcher takes its size from BLIP3O_JAVA_OPTIONS, for example -Xmx8g";

  @Override
  public int handleParseException(ParameterException failure, String[] args) {
    CommandLine command = failure.getCommandLine();
    print(command, failure.getMessage() + hint(command));
    return ExitCodes.USAGE;
  }

  @Override
  public int handleExecutionException(
      Exception failure, CommandLine command, ParseResult parseResult) {
    print(command, sentence(failure) + (isUsage(failure) ? hint(command) : ""));
    if (verbose(command)) {
      failure.printStackTrace(command.getErr());
    }
    return exitCode(failure);
  }

  private static int exitCode(Exception failure) {
    if (failure instanceof GenerationCancelledException) {
      return ExitCodes.CANCELLED;
    }
    return isUsage(failure) ? ExitCodes.USAGE : ExitCodes.FAILED;
  }

  private static boolean isUsage(Exception failure) {
    return failure instanceof UsageException || failure instanceof InvalidRequestException;
  }

  private static String sentence(Exception failure) {
    if (failure instanceof GenerationCancelledException) {
      return "cancelled";
    }
    if (failure instanceof InsufficientMemoryException
        && failure.getCause() instanceof OutOfMemoryError) {
      return failure.getMessage() + "; " + LARGER_HEAP;
    }
    if (failure instanceof Blip3oException || failure instanceof CliException) {
      return failure.getMessage();
    }
    return "this is a defect, please report it with the output of --verbose: " + failure;
  }

  private static String hint(CommandLine command) {
    return " (see '" + command.getCommandSpec().qualifiedName() + " --help')";
  }

  private static void print(CommandLine command, String sentence) {
    PrintWriter err = command.getErr();
    err.println("blip3o: " + Text.oneLine(sentence));
    err.flush();
  }

  private static boolean verbose(CommandLine command) {
    Object root = command.getCommandSpec().root().userObject();
    return root instanceof Blip3oCommand blip3o && blip3o.verbose();
  }
}
