package dev.blip3o.cli;

import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Parses numbers; the messages are for people who never heard of a double.
 *
 * <p>The converters are objects of a class, for the launcher's sake: the JVM of Java 17 crashes
 * when it archives a lambda of an interface as old as picocli's.
 */
final class NumberConverters {
  private static final String WHOLE = "is no whole number that can be used";
  private static final String ANY = "is not a number";

  private NumberConverters() {}

  /** Has a command and those below it use them. */
  static void register(CommandLine command) {
    Converter<Integer> whole = new Converter<>(Integer::valueOf, WHOLE);
    Converter<Double> number = new Converter<>(Double::valueOf, ANY);
    command
        .registerConverter(int.class, whole)
        .registerConverter(Integer.class, whole)
        .registerConverter(long.class, new Converter<>(Long::valueOf, WHOLE))
        .registerConverter(double.class, number)
        .registerConverter(Double.class, number);
  }

  /**
   * Of one kind of number.
   *
   * @param parse throws NumberFormatException at what is none
   * @param lack what is then said of the word
   */
  private record Converter<T>(Function<String, T> parse, String lack) implements ITypeConverter<T> {
    @Override
    public T convert(String word) {
      try {
        return parse.apply(word);
      } catch (NumberFormatException e) {
        throw new TypeConversionException("'" + word + "' " + lack);
      }
    }
  }
}
