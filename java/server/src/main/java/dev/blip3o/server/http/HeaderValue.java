package dev.blip3o.server.http;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The value of a header such as {@code form-data; name="image"}: one word, then parameters.
 *
 * @param word in lower case
 * @param parameters by their names in lower case, without quotes
 */
record HeaderValue(String word, Map<String, String> parameters) {
  /**
   * Parses one.
   *
   * @return empty where a parameter has no name, no value or comes twice, or a quote is not closed
   */
  static Optional<HeaderValue> parse(String text) {
    Parser parser = new Parser(text);
    String word = parser.until(";").strip().toLowerCase(Locale.ROOT);
    Map<String, String> parameters = new LinkedHashMap<>();
    while (parser.skip(';')) {
      if (!parser.parameter(parameters)) {
        return Optional.empty();
      }
    }
    return parser.atEnd() ? Optional.of(new HeaderValue(word, parameters)) : Optional.empty();
  }

  /** A parameter's value. */
  Optional<String> parameter(String name) {
    return Optional.ofNullable(parameters.get(name));
  }

  private static final class Parser {
    private final String text;
    private int at;

    Parser(String text) {
      this.text = text;
    }

    boolean atEnd() {
      return at == text.length();
    }

    /** Passes over {@code expected}, if it is next. */
    boolean skip(char expected) {
      boolean there = at < text.length() && text.charAt(at) == expected;
      at += there ? 1 : 0;
      return there;
    }

    /** What stands before the first of {@code ends}. */
    String until(String ends) {
      int start = at;
      while (at < text.length() && ends.indexOf(text.charAt(at)) < 0) {
        at++;
      }
      return text.substring(start, at);
    }

    /** Reads {@code name=value} or {@code name="value"}. */
    boolean parameter(Map<String, String> into) {
      String name = until("=;").strip().toLowerCase(Locale.ROOT);
      if (name.isEmpty()) {
        return atEnd(); // A semicolon at the end separates nothing.
      }
      if (!skip('=')) {
        return false;
      }
      Optional<String> value = value();
      return value.isPresent() && into.put(name, value.get()) == null;
    }

    private Optional<String> value() {
      spaces();
      if (!skip('"')) {
        String value = until(";").strip();
        return value.isEmpty() || value.indexOf('"') >= 0 ? Optional.empty() : Optional.of(value);
      }
      Optional<String> quoted = quoted();
      spaces();
      return quoted;
    }

    private Optional<String> quoted() {
      StringBuilder value = new StringBuilder();
      while (at < text.length()) {
        char next = text.charAt(at++);
        if (next == '"') {
          return Optional.of(value.toString());
        }
        // Only these two: a file's name may be a path with backslashes.
        boolean escape = next == '\\' && at < text.length() && "\"\\".indexOf(text.charAt(at)) >= 0;
        value.append(escape ? text.charAt(at++) : next);
      }
      return Optional.empty();
    }

    private void spaces() {
      while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\t')) {
        at++;
      }
    }
  }
}
