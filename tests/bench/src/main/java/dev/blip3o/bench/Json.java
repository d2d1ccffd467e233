package dev.blip3o.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Writes maps, lists, strings, numbers, booleans and null as JSON. */
final class Json {
  private Json() {}

  static String of(Object value) {
    StringBuilder out = new StringBuilder();
    write(value, out);
    return out.toString();
  }

  private static void write(Object value, Appendable out) {
    try {
      if (value instanceof Map<?, ?> map) {
        writeMap(map, out);
      } else if (value instanceof List<?> list) {
        writeList(list, out);
      } else if (value instanceof String text) {
        writeString(text, out);
      } else if (value == null || value instanceof Number || value instanceof Boolean) {
        out.append(String.valueOf(value));
      } else {
        throw new IllegalArgumentException("no JSON form for " + value.getClass());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void writeMap(Map<?, ?> map, Appendable out) throws IOException {
    out.append('{');
    for (Iterator<? extends Map.Entry<?, ?>> i = map.entrySet().iterator(); i.hasNext(); ) {
      Map.Entry<?, ?> entry = i.next();
      writeString((String) entry.getKey(), out);
      out.append(':');
      write(entry.getValue(), out);
      out.append(i.hasNext() ? ",\n" : "");
    }
    out.append('}');
  }

  private static void writeList(List<?> list, Appendable out) throws IOException {
    out.append('[');
    for (Iterator<?> i = list.iterator(); i.hasNext(); ) {
      write(i.next(), out);
      out.append(i.hasNext() ? "," : "");
    }
    out.append(']');
  }

  private static void writeString(String text, Appendable out) throws IOException {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < 0x20) {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    out.append('"');
  }
}
