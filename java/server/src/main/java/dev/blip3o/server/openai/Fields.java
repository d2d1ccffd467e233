package dev.blip3o.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The top-level fields of a request, from JSON or from a form; null is as good as absent. A value
 * that is wrong throws {@link ApiException}, which names the field and what is expected, but not
 * what was found in a text: that may be a prompt in the wrong place.
 */
final class Fields {
  private static final BigInteger LEAST_SEED = BigInteger.valueOf(Long.MIN_VALUE);
  private static final BigInteger MOST_SEED = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
  private static final int MAX_DIGITS = 40;
  private static final int MAX_SHOWN = 40;

  private final Map<String, JsonNode> values = new LinkedHashMap<>();

  /** Whether values are text, as a form has them. */
  private final boolean form;

  private Fields(boolean form) {
    this.form = form;
  }

  static Fields of(ObjectNode json) {
    Fields fields = new Fields(false);
    json.properties()
        .forEach(
            entry -> {
              if (!entry.getValue().isNull()) {
                fields.values.put(entry.getKey(), entry.getValue());
              }
            });
    return fields;
  }

  static Fields of(Map<String, String> form) {
    Fields fields = new Fields(true);
    form.forEach((name, value) -> fields.values.put(name, TextNode.valueOf(value)));
    return fields;
  }

  /**
   * Refuses what is not among {@code known}: a misspelt setting would be ignored without a word.
   */
  void allow(Set<String> known) {
    for (String name : values.keySet()) {
      if (!known.contains(name)) {
        String shown = shown(name);
        throw ApiException.invalid(
            "Unknown parameter: '" + shown + "'. Leave it out, or correct its name.", shown);
      }
    }
  }

  /** A name of the client's, short and without control characters. */
  private static String shown(String name) {
    String clean = name.replaceAll("[^\\x20-\\x7e]", "?");
    return clean.length() <= MAX_SHOWN ? clean : clean.substring(0, MAX_SHOWN) + "...";
  }

  Optional<JsonNode> node(String name) {
    return Optional.ofNullable(values.get(name));
  }

  Optional<String> text(String name) {
    JsonNode value = values.get(name);
    if (value == null) {
      return Optional.empty();
    }
    if (!value.isTextual()) {
      throw wrong(name, "a string");
    }
    return Optional.of(value.textValue());
  }

  /** A text that must be one of {@code choices}. */
  String choice(String name, String preset, List<String> choices) {
    String value = text(name).orElse(preset);
    if (!choices.contains(value)) {
      throw wrong(name, "one of " + String.join(", ", choices));
    }
    return value;
  }

  boolean flag(String name) {
    JsonNode value = values.get(name);
    if (value == null) {
      return false;
    }
    if (value.isBoolean()) {
      return value.booleanValue();
    }
    if (form && List.of("true", "false").contains(value.textValue())) {
      return value.textValue().equals("true");
    }
    throw wrong(name, "true or false");
  }

  OptionalInt integer(String name, int least, int most) {
    JsonNode value = values.get(name);
    if (value == null) {
      return OptionalInt.empty();
    }
    String expected = "a whole number from " + least + " to " + most;
    BigInteger number = whole(name, value, expected);
    if (number.compareTo(BigInteger.valueOf(least)) < 0
        || number.compareTo(BigInteger.valueOf(most)) > 0) {
      throw wrong(name, expected);
    }
    return OptionalInt.of(number.intValue());
  }

  /** All 64 bits: signed or unsigned. */
  OptionalLong seed(String name) {
    JsonNode value = values.get(name);
    if (value == null) {
      return OptionalLong.empty();
    }
    String expected = "a whole number of 64 bits, signed or unsigned";
    BigInteger number = whole(name, value, expected);
    if (number.compareTo(LEAST_SEED) < 0 || number.compareTo(MOST_SEED) > 0) {
      throw wrong(name, expected);
    }
    return OptionalLong.of(number.longValue());
  }

  private BigInteger whole(String name, JsonNode value, String expected) {
    if (value.isIntegralNumber()) {
      return value.bigIntegerValue();
    }
    if (form && value.textValue().length() <= MAX_DIGITS) {
      try {
        return new BigInteger(value.textValue().strip());
      } catch (NumberFormatException e) {
        throw wrong(name, expected);
      }
    }
    throw wrong(name, expected);
  }

  /**
   * A real number.
   *
   * @param least the smallest value; excluded where {@code above}
   */
  OptionalDouble real(String name, double least, boolean above, double most) {
    JsonNode value = values.get(name);
    if (value == null) {
      return OptionalDouble.empty();
    }
    String expected =
        String.format(
            Locale.ROOT, "a number %s %s to %s", above ? "above" : "from", show(least), show(most));
    double number = real(name, value, expected);
    boolean inside = (above ? number > least : number >= least) && number <= most;
    if (!inside) {
      throw wrong(name, expected);
    }
    return OptionalDouble.of(number);
  }

  private double real(String name, JsonNode value, String expected) {
    if (value.isNumber()) {
      return value.doubleValue();
    }
    if (form && value.textValue().length() <= MAX_DIGITS) {
      try {
        return Double.parseDouble(value.textValue());
      } catch (NumberFormatException e) {
        throw wrong(name, expected);
      }
    }
    throw wrong(name, expected);
  }

  private static String show(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e9
        ? Long.toString((long) value)
        : Double.toString(value);
  }

  private ApiException wrong(String name, String expected) {
    JsonNode value = values.get(name);
    List<String> kinds = new ArrayList<>();
    kinds.add(value.isNumber() || value.isBoolean() ? shown(value.asText()) : kind(value));
    return ApiException.invalid(
        "Invalid value for '"
            + name
            + "': expected "
            + expected
            + ", but found "
            + kinds.get(0)
            + ".",
        name);
  }

  private String kind(JsonNode value) {
    if (value.isTextual()) {
      return form ? "another text" : "a string that is something else";
    }
    return value.isArray() ? "an array" : "an object";
  }
}
