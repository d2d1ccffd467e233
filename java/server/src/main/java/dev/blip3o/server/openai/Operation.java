package dev.blip3o.server.openai;

/** What a client asks for. */
public enum Operation {
  /** {@code /v1/images/generations}. */
  GENERATION("image_generation"),
  /** {@code /v1/images/edits}. */
  EDIT("image_edit");

  private final String eventPrefix;

  Operation(String eventPrefix) {
    this.eventPrefix = eventPrefix;
  }

  /** What stands before the dot in the names of a stream's events. */
  public String eventPrefix() {
    return eventPrefix;
  }
}
