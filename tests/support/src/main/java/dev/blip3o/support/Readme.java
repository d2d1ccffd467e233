package dev.blip3o.support;

import java.io.IOException;
import java.nio.file.Files;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Blocks of the README that tests run as they stand there. */
public final class Readme {
  private Readme() {}

  /**
   * The text of the block after {@code <!-- snippet:NAME -->}, of the first one in that language.
   *
   * @param name of the snippet
   * @param language what stands behind the block's opening fence, for example {@code java}
   * @throws AssertionError if there is no such block
   */
  public static String block(String name, String language) throws IOException {
    String mark = "<!-- snippet:" + name + " -->";
    Matcher matcher =
        Pattern.compile(
                Pattern.quote(mark) + "\\s*```" + Pattern.quote(language) + "\\n(.*?)```",
                Pattern.DOTALL)
            .matcher(Files.readString(Repository.root().resolve("README.md")));
    if (!matcher.find()) {
      throw new AssertionError("README.md has no block of " + language + " after " + mark);
    }
    return matcher.group(1);
  }
}
