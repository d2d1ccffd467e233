package dev.blip3o.service;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.MultipartField;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.models.images.Image;
import com.openai.models.images.ImageEditParams;
import com.openai.models.images.ImageEditStreamEvent;
import com.openai.models.images.ImageGenCompletedEvent;
import com.openai.models.images.ImageGenPartialImageEvent;
import com.openai.models.images.ImageGenStreamEvent;
import com.openai.models.images.ImageGenerateParams;
import com.openai.models.images.ImagesResponse;
import dev.blip3o.Blip3oModel;
import dev.blip3o.GeneratedImage;
import dev.blip3o.ImageRequest;
import dev.blip3o.support.Repository;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** OpenAI's official Java client, as it comes, against the server. */
class OpenAiClientTest {
  private static final int STEPS = 3;

  private static DemoServer server;
  private static OpenAIClient client;

  @BeforeAll
  static void start() {
    server = DemoServer.start();
    client =
        OpenAIOkHttpClient.builder()
            .baseUrl(server.url() + "/v1")
            .apiKey("none is asked for")
            .maxRetries(0)
            .build();
  }

  @AfterAll
  static void stop() {
    client.close();
    server.close();
  }

  private static ImageGenerateParams.Builder draw(long seed) {
    return ImageGenerateParams.builder()
        .prompt("a red circle")
        .putAdditionalBodyProperty("seed", JsonValue.from(seed))
        .putAdditionalBodyProperty("steps", JsonValue.from(STEPS));
  }

  private static ImageEditParams.Builder edit(byte[] picture) {
    return ImageEditParams.builder()
        .prompt("make the red circle blue")
        .image(file(picture))
        .putAdditionalBodyProperty("seed", JsonValue.from(3))
        .putAdditionalBodyProperty("steps", JsonValue.from(STEPS));
  }

  private static MultipartField<ImageEditParams.Image> file(byte[] picture) {
    return MultipartField.<ImageEditParams.Image>builder()
        .value(ImageEditParams.Image.ofInputStream(new ByteArrayInputStream(picture)))
        .filename("picture.png")
        .contentType("image/png")
        .build();
  }

  private static MultipartField<InputStream> mask() {
    return MultipartField.<InputStream>builder()
        .value(new ByteArrayInputStream(Drawings.leftHalfMayChange()))
        .filename("mask.png")
        .contentType("image/png")
        .build();
  }

  private static byte[] bytes(Image image) {
    return Base64.getDecoder().decode(image.b64Json().orElseThrow());
  }

  private static byte[] bytes(ImagesResponse response) {
    return bytes(response.data().orElseThrow().get(0));
  }

  @Test
  void generatesThePictureThatTheLibraryMakes() {
    ImagesResponse response = client.images().generate(draw(7).build());
    BufferedImage picture = Drawings.read(bytes(response));
    try (Blip3oModel model = Blip3oModel.open(Repository.demo())) {
      GeneratedImage same =
          model.generate(ImageRequest.builder("a red circle").seed(7).steps(STEPS).build());
      assertEqualPixels(same.toBufferedImage(), picture);
    }
    assertTrue(response.created() > 0);
    var usage = response.usage().orElseThrow();
    assertTrue(usage.inputTokens() > 0);
    assertEquals(0, usage.inputTokensDetails().imageTokens());
    assertEquals(64, usage.outputTokens());
    assertEquals(usage.totalTokens(), usage.inputTokens() + usage.outputTokens());
  }

  private static void assertEqualPixels(BufferedImage expected, BufferedImage actual) {
    int width = expected.getWidth();
    int height = expected.getHeight();
    assertEquals(width, actual.getWidth());
    assertEquals(height, actual.getHeight());
    assertArrayEquals(
        expected.getRGB(0, 0, width, height, null, 0, width),
        actual.getRGB(0, 0, width, height, null, 0, width));
  }

  @Test
  void eachOfSeveralPicturesSaysItsSeed() {
    List<Image> images = client.images().generate(draw(40).n(2).build()).data().orElseThrow();
    assertEquals(2, images.size());
    for (int k = 0; k < images.size(); k++) {
      JsonValue seed = images.get(k)._additionalProperties().get("seed");
      assertEquals(40 + k, ((Number) seed.convert(Long.class)).longValue());
    }
    byte[] alone = bytes(client.images().generate(draw(41).build()));
    assertArrayEquals(alone, bytes(images.get(1)));
  }

  @Test
  void givesAnAddressWhereAskedTo() throws IOException {
    ImagesResponse response =
        client
            .images()
            .generate(draw(7).responseFormat(ImageGenerateParams.ResponseFormat.URL).build());
    Image image = response.data().orElseThrow().get(0);
    assertTrue(image.b64Json().isEmpty());
    byte[] fetched;
    try (InputStream in = URI.create(image.url().orElseThrow()).toURL().openStream()) {
      fetched = in.readAllBytes();
    }
    assertArrayEquals(bytes(client.images().generate(draw(7).build())), fetched);
  }

  @Test
  void writesJpegWhereAskedTo() {
    ImagesResponse response =
        client
            .images()
            .generate(
                draw(7)
                    .outputFormat(ImageGenerateParams.OutputFormat.JPEG)
                    .outputCompression(80)
                    .build());
    byte[] file = bytes(response);
    assertEquals((byte) 0xFF, file[0]);
    assertEquals((byte) 0xD8, file[1]);
    assertEquals(Drawings.SIDE, Drawings.read(file).getWidth());
  }

  @Test
  void takesTheOptionsThatOnlyOpenAiHas() {
    ImagesResponse response =
        client
            .images()
            .generate(
                draw(7)
                    .model("blip3o-next")
                    .quality(ImageGenerateParams.Quality.HIGH)
                    .background(ImageGenerateParams.Background.OPAQUE)
                    .moderation(ImageGenerateParams.Moderation.LOW)
                    .size(ImageGenerateParams.Size.AUTO)
                    .user("somebody")
                    .build());
    assertArrayEquals(bytes(client.images().generate(draw(7).build())), bytes(response));
  }

  @Test
  void editsWhereTheMaskIsTransparent() {
    byte[] picture = Drawings.redCircle();
    ImagesResponse response = client.images().edit(edit(picture).mask(mask()).build());
    BufferedImage before = Drawings.read(picture);
    BufferedImage after = Drawings.read(bytes(response));
    int half = Drawings.SIDE / 2;
    assertArrayEquals(
        before.getRGB(half, 0, half, Drawings.SIDE, null, 0, half),
        after.getRGB(half, 0, half, Drawings.SIDE, null, 0, half),
        "where the mask is opaque every pixel stays");
    int[] left = before.getRGB(0, 0, half, Drawings.SIDE, null, 0, half);
    int[] edited = after.getRGB(0, 0, half, Drawings.SIDE, null, 0, half);
    int changed = 0;
    for (int i = 0; i < left.length; i++) {
      changed += left[i] == edited[i] ? 0 : 1;
    }
    assertTrue(changed > half, "only " + changed + " pixels changed");
    assertTrue(response.usage().orElseThrow().inputTokensDetails().imageTokens() > 0);
  }

  @Test
  void editsWithSeveralPictures() {
    byte[] one = Drawings.redCircle();
    ImagesResponse alone = client.images().edit(edit(one).build());
    ImageEditParams two =
        ImageEditParams.builder()
            .prompt("make the red circle blue")
            .image(
                MultipartField.<ImageEditParams.Image>builder()
                    .value(
                        ImageEditParams.Image.ofInputStreams(
                            List.of(new ByteArrayInputStream(one), new ByteArrayInputStream(one))))
                    .filename("picture.png")
                    .contentType("image/png")
                    .build())
            .putAdditionalBodyProperty("seed", JsonValue.from(3))
            .putAdditionalBodyProperty("steps", JsonValue.from(STEPS))
            .build();
    ImagesResponse both = client.images().edit(two);
    assertEquals(
        2 * alone.usage().orElseThrow().inputTokensDetails().imageTokens(),
        both.usage().orElseThrow().inputTokensDetails().imageTokens());
  }

  @Test
  void streamsPartialPicturesAndThePicture() {
    ImageGenerateParams params = draw(7).partialImages(2).build();
    List<ImageGenStreamEvent> events;
    try (StreamResponse<ImageGenStreamEvent> stream = client.images().generateStreaming(params)) {
      events = stream.stream().toList();
    }
    ImageGenCompletedEvent last = events.get(events.size() - 1).asGenerationCompleted();
    List<ImageGenPartialImageEvent> partial =
        events.stream().flatMap(event -> event.generationPartialImage().stream()).toList();
    assertEquals(events.size() - 1, partial.size());
    assertTrue(!partial.isEmpty() && partial.size() <= 2, partial.size() + " partial pictures");
    for (int i = 0; i < partial.size(); i++) {
      assertEquals("128x128", partial.get(i).size().asString());
      assertEquals("png", partial.get(i).outputFormat().asString());
      assertEquals("opaque", partial.get(i).background().asString());
      assertFalse(partial.get(i).quality().asString().isEmpty());
      assertTrue(partial.get(i).createdAt() > 0);
      assertEquals(i, partial.get(i).partialImageIndex());
      assertEquals(
          Drawings.SIDE,
          Drawings.read(Base64.getDecoder().decode(partial.get(i).b64Json())).getWidth());
      assertNotEquals(last.b64Json(), partial.get(i).b64Json());
    }
    assertEquals("128x128", last.size().asString());
    assertTrue(last.createdAt() > 0);
    assertEquals(64, last.usage().outputTokens());
    assertEquals(
        client.images().generate(draw(7).build()).data().orElseThrow().get(0).b64Json(),
        Optional.of(last.b64Json()));
  }

  @Test
  void streamsAnEdit() {
    byte[] picture = Drawings.redCircle();
    List<ImageEditStreamEvent> events;
    try (StreamResponse<ImageEditStreamEvent> stream =
        client.images().editStreaming(edit(picture).partialImages(1).build())) {
      events = stream.stream().toList();
    }
    assertEquals(2, events.size());
    assertEquals(0, events.get(0).asPartialImage().partialImageIndex());
    assertArrayEquals(
        bytes(client.images().edit(edit(picture).build())),
        Base64.getDecoder().decode(events.get(1).asCompleted().b64Json()));
  }

  @Test
  void refusesASizeThatTheCheckpointCantDo() {
    ImageGenerateParams params = draw(7).size(ImageGenerateParams.Size._1024X1024).build();
    BadRequestException refusal =
        assertThrows(BadRequestException.class, () -> client.images().generate(params));
    assertEquals("size", refusal.param().orElseThrow());
    assertEquals("invalid_request_error", refusal.type().orElseThrow());
    assertTrue(refusal.getMessage().contains("128x128"), refusal.getMessage());
  }

  @Test
  void refusesATransparentBackground() {
    ImageGenerateParams params =
        draw(7).background(ImageGenerateParams.Background.TRANSPARENT).build();
    BadRequestException refusal =
        assertThrows(BadRequestException.class, () -> client.images().generate(params));
    assertEquals("background", refusal.param().orElseThrow());
  }

  @Test
  void refusesAnOptionThatDoesNotExist() {
    ImageGenerateParams params =
        draw(7).putAdditionalBodyProperty("sead", JsonValue.from(7)).build();
    BadRequestException refusal =
        assertThrows(BadRequestException.class, () -> client.images().generate(params));
    assertEquals("sead", refusal.param().orElseThrow());
  }

  @Test
  void listsTheModel() {
    List<String> ids = client.models().list().data().stream().map(model -> model.id()).toList();
    assertTrue(ids.contains("demo"), ids.toString());
    assertTrue(ids.contains("blip3o-next"), ids.toString());
    assertFalse(client.models().retrieve("blip3o-next").id().isEmpty());
  }
}
