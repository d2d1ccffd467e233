package dev.blip3o.service;

import dev.blip3o.support.Repository;
import java.util.regex.Pattern;

/** What no answer and no log may hold at the default level. */
final class Leaks {
  private static final Pattern INSIDE =
      Pattern.compile(
          "\\bat [a-z][\\w.]*\\.\\w+\\(|\\w+\\.java:\\d+|Caused by:|\\b[a-z]\\w*(?:\\.\\w+)*"
              + "\\.[A-Z]\\w*(?:Exception|Error)\\b");

  private Leaks() {}

  /** Whether there is a stack trace, the name of an exception's class, or a path in it. */
  static boolean any(String text) {
    return INSIDE.matcher(text).find() || holdsPath(text);
  }

  private static boolean holdsPath(String text) {
    return text.contains(Repository.root().toString())
        || text.contains(System.getProperty("java.io.tmpdir") + "/")
        || text.contains(System.getProperty("user.home") + "/");
  }
}
