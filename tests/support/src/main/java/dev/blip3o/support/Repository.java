package dev.blip3o.support;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;

/** Places in the repository. */
public final class Repository {
  private static final Path ROOT = Path.of(System.getProperty("blip3o.root", "../.."));

  private Repository() {}

  /** The folder of the root {@code pom.xml}. */
  public static Path root() {
    return ROOT.toAbsolutePath().normalize();
  }

  /** The demo checkpoint. */
  public static Path demo() {
    return root().resolve("weights/demo");
  }

  /** The golden traces. */
  public static Path golden() {
    return root().resolve("tests/golden");
  }

  /** Copies the demo checkpoint's files, which a test may then damage. */
  public static Path copyDemo(Path to) {
    Path from = demo();
    try {
      Files.walkFileTree(
          from,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
                throws IOException {
              if (directory.endsWith("recipe") || directory.endsWith("edits")) {
                return FileVisitResult.SKIP_SUBTREE;
              }
              Files.createDirectories(to.resolve(from.relativize(directory)));
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.copy(file, to.resolve(from.relativize(file)));
              return FileVisitResult.CONTINUE;
            }
          });
      return to;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
