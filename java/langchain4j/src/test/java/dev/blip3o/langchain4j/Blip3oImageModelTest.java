package dev.blip3o.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.blip3o.Blip3oException;
import dev.blip3o.Blip3oModel;
import dev.blip3o.DeadlineExceededException;
import dev.blip3o.DeviceLostException;
import dev.blip3o.ImageRequest;
import dev.blip3o.InputImage;
import dev.blip3o.QueueFullException;
import dev.langchain4j.data.image.Image;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class Blip3oImageModelTest {
  private static Blip3oModel model;
  private static Blip3oImageModel images;

  @BeforeAll
  static void open() {
    model = Blip3oModel.open(Path.of(System.getProperty("blip3o.root"), "weights", "demo"));
    images = Blip3oImageModel.builder(model).seed(7).steps(2).build();
  }

  @AfterAll
  static void close() {
    images.close();
    model.info(); // a given model is still open
    model.close();
  }

  @Test
  void picturesAreTheLibrarys() {
    var response = images.generate("a red circle", 2);
    var expected =
        model.generateAll(ImageRequest.builder("a red circle").seed(7).steps(2).count(2).build());
    assertEquals(List.of(7L, 8L), response.metadata().get("seeds"));
    for (int i = 0; i < 2; i++) {
      assertEquals(
          InputImage.of(expected.get(i).pixels()),
          Images.decode(response.content().get(i), "picture"));
    }
    assertEquals("image/png", response.content().get(0).mimeType());
    assertNull(response.content().get(0).revisedPrompt());
  }

  @Test
  void maskKeepsWhatIsOpaque() throws IOException {
    Image source = images.generate("a red circle").content();
    InputImage before = Images.decode(source, "picture");
    BufferedImage alpha =
        new BufferedImage(before.width(), before.height(), BufferedImage.TYPE_INT_ARGB);
    int half = before.width() / 2;
    alpha.createGraphics().fillRect(0, 0, half, before.height());
    InputImage after = Images.decode(images.edit(source, png(alpha), "blue").content(), "picture");
    assertEquals(before.width(), after.width());
    for (int y = 0; y < before.height(); y++) {
      for (int i = 0; i < (half - 16) * 3; i++) {
        int at = y * before.width() * 3 + i;
        assertEquals(before.bytes().get(at), after.bytes().get(at));
      }
    }
  }

  private static Image png(BufferedImage picture) throws IOException {
    var bytes = new ByteArrayOutputStream();
    ImageIO.write(picture, "png", bytes);
    String data = Base64.getEncoder().encodeToString(bytes.toByteArray());
    return Image.builder().url("data:image/png;base64," + data).build();
  }

  @Test
  void whatCannotBeIsRefused() {
    Image remote = Image.builder().url("https://example.com/a.png").build();
    assertThrows(InvalidRequestException.class, () -> images.edit(remote, "blue"));
    assertThrows(InvalidRequestException.class, () -> images.generate("a circle", 0));
  }

  @Test
  void failuresAreLangChain4js() {
    assertFailure(RateLimitException.class, new QueueFullException("m", Duration.ofSeconds(1)));
    assertFailure(TimeoutException.class, new DeadlineExceededException("m"));
    assertFailure(InternalServerException.class, new DeviceLostException("m"));
    assertFailure(InvalidRequestException.class, new dev.blip3o.InvalidRequestException("m"));
  }

  private static void assertFailure(Class<?> expected, Blip3oException cause) {
    var failure = Failures.of(cause);
    assertInstanceOf(expected, failure);
    assertEquals(cause, failure.getCause());
  }
}
