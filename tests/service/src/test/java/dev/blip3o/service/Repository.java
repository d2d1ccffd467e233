package dev.blip3o.service;

import java.nio.file.Path;

/** Places in the repository. */
final class Repository {
  private static final Path ROOT = Path.of(System.getProperty("blip3o.root", "../.."));

  private Repository() {}

  /** The folder of the root {@code pom.xml}. */
  static Path root() {
    return ROOT.toAbsolutePath().normalize();
  }

  /** The demo checkpoint. */
  static Path demo() {
    return root().resolve("weights/demo");
  }
}
