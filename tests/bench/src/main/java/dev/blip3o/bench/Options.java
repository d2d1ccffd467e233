package dev.blip3o.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A command line of {@code --name value} pairs, {@code --flag}s and plain arguments. Every name has
 * to be declared, so that a misspelt one is an error and not a silently ignored wish.
 */
final class Options {
  /** The command line is wrong: the message says how. */
  static final class UsageException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    UsageException(String message) {
      super(message);
    }
  }

  private final Map<String, String> values = new LinkedHashMap<>();
  private final List<String> plain = new ArrayList<>();

  private Options() {}

  /** Parses {@code args}; {@code named} take a value, {@code flags} do not. */
  static Options parse(String[] args, Set<String> named, Set<String> flags) {
    Options options = new Options();
    for (int i = 0; i < args.length; i++) {
      String arg = args[i];
      if (!arg.startsWith("--")) {
        options.plain.add(arg);
        continue;
      }
      String name = arg.substring(2);
      if (flags.contains(name)) {
        options.values.put(name, "true");
      } else if (!named.contains(name)) {
        throw new UsageException("unknown option " + arg);
      } else if (i + 1 == args.length) {
        throw new UsageException(arg + " needs a value");
      } else {
        options.values.put(name, args[++i]);
      }
    }
    return options;
  }

  /** The arguments without a leading {@code --}. */
  List<String> plain() {
    return plain;
  }

  boolean has(String name) {
    return values.containsKey(name);
  }

  String text(String name, String otherwise) {
    return values.getOrDefault(name, otherwise);
  }

  int integer(String name, int otherwise) {
    return Math.toIntExact(longInteger(name, otherwise));
  }

  /** A whole number that is at least {@code least}. */
  int integerFrom(int least, String name, int otherwise) {
    int value = integer(name, otherwise);
    if (value < least) {
      throw new UsageException("--" + name + " must be at least " + least);
    }
    return value;
  }

  long longInteger(String name, long otherwise) {
    String value = values.get(name);
    if (value == null) {
      return otherwise;
    }
    try {
      return Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw new UsageException("--" + name + " takes a whole number, not '" + value + "'");
    }
  }

  double number(String name, double otherwise) {
    String value = values.get(name);
    if (value == null) {
      return otherwise;
    }
    try {
      return Double.parseDouble(value);
    } catch (NumberFormatException e) {
      throw new UsageException("--" + name + " takes a number, not '" + value + "'");
    }
  }

  /** A comma-separated list of whole numbers. */
  List<Integer> integers(String name, List<Integer> otherwise) {
    String value = values.get(name);
    if (value == null) {
      return otherwise;
    }
    try {
      List<Integer> list = new ArrayList<>();
      for (String part : value.split(",", -1)) {
        list.add(Integer.parseInt(part.trim()));
      }
      return List.copyOf(list);
    } catch (NumberFormatException e) {
      throw new UsageException("--" + name + " takes whole numbers like 8,16, not '" + value + "'");
    }
  }
}
