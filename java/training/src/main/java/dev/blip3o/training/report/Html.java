package dev.blip3o.training.report;

/** Text in HTML. */
final class Html {
  private Html() {}

  /** The text, with what HTML would take for its own written out. */
  static String text(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("'", "&#39;");
  }
}
