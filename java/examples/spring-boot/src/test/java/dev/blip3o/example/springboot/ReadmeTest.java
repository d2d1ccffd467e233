package dev.blip3o.example.springboot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.blip3o.Blip3oModel;
import dev.blip3o.ImageRequest;
import dev.blip3o.support.Readme;
import dev.blip3o.support.Repository;
import dev.blip3o.support.Snippet;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The README's application with its properties, as they stand there, in the repository's root. */
@Timeout(180)
class ReadmeTest {
  @Test
  void itsApplicationDrawsTheLibrarysPicture(@TempDir Path folder) throws Exception {
    Path classes = Files.createDirectory(folder.resolve("classes"));
    Files.writeString(
        classes.resolve("application.properties"), Readme.block("spring-boot", "properties"));
    // As Spring Boot's parent has it.
    Snippet.compile("Pictures.java", Readme.block("spring-boot", "java"), classes, "-parameters");
    List<String> run =
        List.of("-cp", classes + File.pathSeparator + others(), "com.example.Pictures");
    byte[] expected;
    try (Blip3oModel model = Blip3oModel.open(Repository.demo())) {
      expected = model.generate(ImageRequest.builder("a red circle").seed(7).build()).png();
    }
    try (ApplicationProcess pasted = ApplicationProcess.start(Repository.root(), folder, run)) {
      var answer = new Http(pasted.port()).post("/pictures?prompt=a%20red%20circle", "");
      assertArrayEquals(expected, answer.body(), () -> "status " + answer.statusCode());
    }
  }

  /** The class path without this module, whose own application it is not about. */
  private static String others() {
    return Arrays.stream(Snippet.classPath().split(File.pathSeparator))
        .filter(entry -> !entry.matches(".*spring-boot/target/(test-)?classes/?"))
        .collect(Collectors.joining(File.pathSeparator));
  }
}
