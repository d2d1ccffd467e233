package dev.blip3o.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.blip3o.Blip3oModel;
import dev.blip3o.EditRequest;
import dev.blip3o.GeneratedImage;
import dev.blip3o.ImageRequest;
import dev.blip3o.InputImage;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Both routes for pictures, over loopback, with the demo checkpoint. */
@Timeout(120)
class PicturesTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Path DEMO = Path.of(System.getProperty("blip3o.root"), "weights", "demo");
  private static final String GENERATIONS = "/v1/images/generations";
  private static final String EDITS = "/v1/images/edits";

  private static Blip3oModel model;
  private static Blip3oServer server;
  private static HttpClient client;

  @BeforeAll
  static void start() {
    model = Blip3oModel.open(DEMO);
    ServerOptions options =
        ServerOptions.builder(DEMO).port(0).maxRequestBytes(1 << 20).maxPixels(200_000).build();
    server = Blip3oServer.start(options, model);
    client = HttpClient.newHttpClient();
  }

  @AfterAll
  static void stop() {
    server.close();
    model.close();
  }

  private record Answer(int status, JsonNode body) {
    JsonNode error() {
      return body.path("error");
    }

    byte[] file(int k) {
      return Base64.getDecoder().decode(body.path("data").path(k).path("b64_json").textValue());
    }
  }

  private static URI at(String path) {
    return URI.create("http://127.0.0.1:" + server.port() + path);
  }

  private static HttpResponse<byte[]> send(String path, String type, byte[] body) {
    try {
      return client.send(
          HttpRequest.newBuilder(at(path))
              .header("Content-Type", type)
              .POST(BodyPublishers.ofByteArray(body))
              .build(),
          BodyHandlers.ofByteArray());
    } catch (IOException e) {
      throw new AssertionError("no answer", e);
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted", e);
    }
  }

  private static Answer answer(HttpResponse<byte[]> response) {
    try {
      return new Answer(response.statusCode(), JSON.readTree(response.body()));
    } catch (IOException e) {
      throw new AssertionError("the answer is no JSON", e);
    }
  }

  private static Answer post(String path, String json) {
    return answer(
        send(path, "application/json", json.replace('\'', '"').getBytes(StandardCharsets.UTF_8)));
  }

  private static HttpResponse<byte[]> get(String address) throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(URI.create(address)).build(), BodyHandlers.ofByteArray());
  }

  private static byte[] png(int width, int height, int argb) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_ARGB);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        image.setRGB(x, y, x < width / 2 ? argb : argb | 0xFF000000);
      }
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, "png", bytes);
    } catch (IOException e) {
      throw new AssertionError("memory does not fail", e);
    }
    return bytes.toByteArray();
  }

  private static String dataUrl(byte[] png) {
    return "data:image/png;base64," + Base64.getEncoder().encodeToString(png);
  }

  /** Fields are {@code name=value}; a value of bytes is a file. */
  private static byte[] form(Object... namesAndValues) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      Object value = namesAndValues[i + 1];
      String head = "--edge\r\nContent-Disposition: form-data; name=\"" + namesAndValues[i] + "\"";
      if (value instanceof byte[] file) {
        out.writeBytes((head + "; filename=\"a.png\"\r\n").getBytes(StandardCharsets.UTF_8));
        out.writeBytes("Content-Type: image/png\r\n\r\n".getBytes(StandardCharsets.UTF_8));
        out.writeBytes(file);
      } else {
        out.writeBytes((head + "\r\n\r\n" + value).getBytes(StandardCharsets.UTF_8));
      }
      out.writeBytes("\r\n".getBytes(StandardCharsets.UTF_8));
    }
    out.writeBytes("--edge--\r\n".getBytes(StandardCharsets.UTF_8));
    return out.toByteArray();
  }

  private static Answer postForm(Object... namesAndValues) {
    return answer(send(EDITS, "multipart/form-data; boundary=edge", form(namesAndValues)));
  }

  private static GeneratedImage alone(String prompt, long seed) {
    return model.generate(ImageRequest.builder(prompt).seed(seed).steps(2).build());
  }

  @Test
  void picturesAreThoseThatTheLibraryDraws() {
    Answer answer = post(GENERATIONS, "{'prompt':'a red circle','n':2,'seed':7,'steps':2}");
    assertEquals(200, answer.status(), () -> answer.body().toString());
    assertArrayEquals(alone("a red circle", 7).png(), answer.file(0));
    assertArrayEquals(alone("a red circle", 8).png(), answer.file(1));
    assertEquals(8, answer.body().at("/data/1/seed").longValue());
    assertEquals("png", answer.body().path("output_format").textValue());
    assertEquals("128x128", answer.body().path("size").textValue());
    assertUsage(answer.body().path("usage"), "a red circle", 0, 2);
  }

  private static void assertUsage(JsonNode usage, String prompt, int references, int pictures) {
    int tokens = model.info().imageTokens();
    int image = usage.at("/input_tokens_details/image_tokens").intValue();
    int text = usage.at("/input_tokens_details/text_tokens").intValue();
    assertEquals(references * tokens, image);
    if (references == 0) {
      assertEquals(model.stages().prompt(prompt).length(), text);
    }
    assertTrue(text > 0);
    assertEquals(text + image, usage.path("input_tokens").intValue());
    assertEquals(pictures * tokens, usage.path("output_tokens").intValue());
    assertEquals(text + image + pictures * tokens, usage.path("total_tokens").intValue());
  }

  @Test
  void whatHasNoEffectIsAccepted() {
    Answer answer =
        post(
            GENERATIONS,
            "{'prompt':'a red circle','model':'blip3o-next','size':'128x128','user':'u','quality':"
                + "'hd','background':'opaque','moderation':'low','style':'natural','steps':1,"
                + "'seed':18446744073709551615,'response_format':null,'stream':false}");
    assertEquals(200, answer.status(), () -> answer.body().toString());
    assertEquals(-1, answer.body().at("/data/0/seed").longValue());
    assertEquals("hd", answer.body().path("quality").textValue());
  }

  @ParameterizedTest
  @ValueSource(strings = {"jpeg", "webp"})
  void lossyFormats(String format) {
    String request = "{'prompt':'a red circle','seed':7,'steps':1,'output_format':'" + format + "'";
    byte[] best = post(GENERATIONS, request + "}").file(0);
    byte[] small = post(GENERATIONS, request + ",'output_compression':5}").file(0);
    String head = new String(best, 0, 12, StandardCharsets.ISO_8859_1);
    assertTrue(format.equals("webp") ? head.endsWith("WEBP") : head.startsWith("\u00ff\u00d8"));
    assertTrue(small.length < best.length, small.length + " and " + best.length + " bytes");
    Answer edit = postForm("prompt", "make it red", "image", best, "steps", "1");
    assertEquals(format.equals("webp") ? 400 : 200, edit.status(), edit.body()::toString);
  }

  @Test
  void anAddressHasThePicture() throws IOException, InterruptedException {
    Answer answer =
        post(GENERATIONS, "{'prompt':'a red circle','seed':7,'steps':2,'response_format':'url'}");
    String url = answer.body().at("/data/0/url").textValue();
    assertTrue(url.startsWith("http://127.0.0.1:" + server.port() + "/"), url);
    HttpResponse<byte[]> file = get(url);
    assertEquals("image/png", file.headers().firstValue("Content-Type").orElseThrow());
    assertArrayEquals(alone("a red circle", 7).png(), file.body());
    assertEquals(404, get(url.substring(0, url.length() - 1)).statusCode());
  }

  @Test
  void editsFromFormsAndFromJsonAreThoseOfTheLibrary() {
    byte[] picture = png(40, 30, 0xFF0000FF);
    byte[] mask = png(40, 30, 0x00000000);
    byte[] gray = new byte[40 * 30];
    for (int i = 0; i < gray.length; i++) {
      gray[i] = (byte) (i % 40 < 20 ? 255 : 0);
    }
    byte[] expected =
        model
            .edit(
                EditRequest.builder("make it red", InputImage.decode(picture))
                    .mask(InputImage.ofGray(40, 30, gray))
                    .seed(3)
                    .steps(2)
                    .build())
            .png();
    Answer form =
        postForm(
            "prompt", "make it red", "image", picture, "mask", mask, "seed", "3", "steps", "2");
    assertEquals(200, form.status(), () -> form.body().toString());
    assertArrayEquals(expected, form.file(0));
    assertUsage(form.body().path("usage"), "make it red", 1, 1);
    Answer json =
        post(
            EDITS,
            "{'prompt':'make it red','seed':3,'steps':2,'images':[{'image_url':'"
                + dataUrl(picture)
                + "'}],'mask':{'image_url':'"
                + dataUrl(mask)
                + "'}}");
    assertArrayEquals(expected, json.file(0));
  }

  @Test
  void anEditTakesSeveralPicturesInTheirOrder() {
    byte[] red = png(20, 20, 0xFFFF0000);
    byte[] blue = png(20, 20, 0xFF0000FF);
    Answer answer =
        postForm("image[]", red, "image[]", blue, "prompt", "mix them", "seed", "1", "steps", "1");
    assertEquals(200, answer.status(), () -> answer.body().toString());
    byte[] expected =
        model
            .edit(
                EditRequest.builder("mix them", InputImage.decode(red), InputImage.decode(blue))
                    .seed(1)
                    .steps(1)
                    .build())
            .png();
    assertArrayEquals(expected, answer.file(0));
  }

  private record Event(String name, JsonNode data) {}

  private static List<Event> events(String path, String json) {
    HttpResponse<byte[]> response =
        send(path, "application/json", json.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    assertEquals(200, response.statusCode(), () -> new String(response.body()));
    List<Event> events = new ArrayList<>();
    String text = new String(response.body(), StandardCharsets.UTF_8);
    for (String block : text.split("\n\n")) {
      if (!block.startsWith(":")) {
        List<String> lines = block.lines().toList();
        assertEquals(2, lines.size());
        try {
          events.add(
              new Event(
                  lines.get(0).substring("event: ".length()),
                  JSON.readTree(lines.get(1).substring("data: ".length()))));
        } catch (IOException e) {
          throw new AssertionError("an event is no JSON", e);
        }
      }
    }
    return events;
  }

  @Test
  void aStreamHasPreviewsAndThePicture() throws IOException {
    List<Event> events =
        events(
            GENERATIONS,
            "{'prompt':'a red circle','seed':7,'steps':2,'stream':true,'partial_images':3}");
    Event last = events.get(events.size() - 1);
    assertEquals("image_generation.completed", last.name());
    assertEquals(last.name(), last.data().path("type").textValue());
    assertArrayEquals(
        alone("a red circle", 7).png(), Base64.getDecoder().decode(text(last, "b64_json")));
    assertUsage(last.data().path("usage"), "a red circle", 0, 1);
    assertFalse(last.data().has("index"));
    for (int i = 0; i < events.size() - 1; i++) {
      Event partial = events.get(i);
      assertEquals("image_generation.partial_image", partial.name());
      assertEquals(i, partial.data().path("partial_image_index").intValue());
      for (String field : List.of("created_at", "size", "quality", "background", "output_format")) {
        assertTrue(partial.data().has(field), field);
      }
      byte[] file = Base64.getDecoder().decode(text(partial, "b64_json"));
      assertEquals(128, ImageIO.read(new ByteArrayInputStream(file)).getWidth());
    }
  }

  private static String text(Event event, String field) {
    return event.data().path(field).textValue();
  }

  @Test
  void eventsOfSeveralPicturesAreNumbered() {
    List<Event> events =
        events(
            EDITS,
            "{'prompt':'make it red','n':2,'seed':7,'steps':1,'stream':true,'progress':true,"
                + "'images':[{'image_url':'"
                + dataUrl(png(20, 20, 0xFFFF0000))
                + "'}]}");
    List<Event> completed =
        events.stream().filter(event -> event.name().equals("image_edit.completed")).toList();
    assertEquals(
        List.of(0, 1),
        completed.stream()
            .map(event -> event.data().path("index").intValue())
            .sorted()
            .collect(Collectors.toList()));
    assertTrue(events.stream().anyMatch(event -> event.name().equals("image_edit.progress")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {}                                              | prompt             | Missing required
          {'prompt':' '}                                  | prompt             | empty
          {'prompt':7}                                    | prompt             | a string
          {'prompt':'a','n':0}                            | n                  | from 1 to 10, but found 0
          {'prompt':'a','n':11}                           | n                  | from 1 to 10
          {'prompt':'a','n':1.5}                          | n                  | whole number
          {'prompt':'a','size':'1024x1024'}               | size               | 128x128
          {'prompt':'a','size':'x'}                       | size               | 128x128
          {'prompt':'a','seed':18446744073709551616}      | seed               | 64 bits
          {'prompt':'a','steps':0}                        | steps              | from 1 to 1000
          {'prompt':'a','guidance_scale':0.5}             | guidance_scale     | from 1 to 100
          {'prompt':'a','temperature':-1}                 | temperature        | from 0
          {'prompt':'a','top_k':-1}                       | top_k              | from 0
          {'prompt':'a','top_p':0}                        | top_p              | above 0 to 1
          {'prompt':'a','top_p':'0.5'}                    | top_p              | a number
          {'prompt':'a','background':'transparent'}       | background         | transparent
          {'prompt':'a','quality':'best'}                 | quality            | one of auto
          {'prompt':'a','style':'best'}                   | style              | one of vivid
          {'prompt':'a','response_format':'png'}          | response_format    | b64_json, url
          {'prompt':'a','output_format':'gif'}            | output_format      | png, jpeg, webp
          {'prompt':'a','output_compression':50}          | output_compression | PNG
          {'prompt':'a','stream':'yes'}                   | stream             | true or false
          {'prompt':'a','partial_images':2}               | partial_images     | stream
          {'prompt':'a','stream':true,'partial_images':4} | partial_images     | from 0 to 3
          {'prompt':'a','stream':true,'response_format':'url'} | response_format | b64_json
          {'prompt':'a','sede':7}                         | sede               | Unknown parameter
          {'prompt':'a','input_fidelity':'high'}          | input_fidelity     | Unknown parameter
          {'prompt':'a','prompt':'b'}                     |                    | no JSON object
          {'prompt':'a'                                   |                    | line 1
          ['prompt']                                      |                    | JSON object
          {'prompt':'a'} x                                |                    | no JSON object
          """)
  void whatIsWrongIsNamed(String body, String param, String message) {
    Answer answer = post(GENERATIONS, body);
    assertEquals(400, answer.status(), () -> answer.body().toString());
    assertEquals("invalid_request_error", answer.error().path("type").textValue());
    assertEquals(param, answer.error().path("param").textValue());
    String found = answer.error().path("message").textValue();
    assertTrue(found.contains(message), found);
  }

  @Test
  void editsThatAreWrong() {
    byte[] picture = png(20, 20, 0xFFFF0000);
    assertInvalid(postForm("prompt", "a"), "image", "needs a picture");
    assertInvalid(postForm("image", picture), "prompt", "Missing");
    assertInvalid(postForm("prompt", "a", "image", new byte[10]), "image[0]", "image[0]");
    assertInvalid(
        postForm("prompt", "a", "image", picture, "mask", png(21, 20, 0)), "mask", "20x20");
    assertInvalid(postForm("prompt", "a", "image", picture, "mask", "x"), "mask", "must be a file");
    assertInvalid(postForm("prompt", "a", "image", png(500, 500, 0)), "image[0]", "200000");
    assertInvalid(
        postForm("prompt", "a", "image", png(400, 300, 0), "image", png(400, 300, 0)),
        "image[1]",
        "80000");
    Object[] many = new Object[36];
    Arrays.fill(many, picture);
    for (int i = 0; i < many.length; i += 2) {
      many[i] = "image[]";
    }
    many[34] = "prompt";
    many[35] = "a";
    assertInvalid(postForm(many), "image", "1 to 16");
    assertInvalid(
        post(EDITS, "{'prompt':'a','images':[{'image_url':'http://127.0.0.1/a.png'}]}"),
        "images[0]",
        "nothing is fetched");
    assertInvalid(
        post(EDITS, "{'prompt':'a','images':[{'file_id':'f'}]}"), "images[0]", "keeps no files");
    assertInvalid(post(EDITS, "{'prompt':'a','images':{}}"), "images", "an array");
    assertInvalid(answer(send(EDITS, "multipart/form-data", new byte[3])), null, "boundary");
    String lacksValue =
        "--edge\r\nContent-Disposition: form-data; name=\"image\"; f\r\n\r\nx\r\n--edge--\r\n";
    assertInvalid(
        answer(
            send(
                EDITS,
                "multipart/form-data; boundary=edge",
                lacksValue.getBytes(StandardCharsets.UTF_8))),
        null,
        "Part 1 of the form");
    byte[] whole = form("prompt", "a", "image", picture);
    byte[] broken = Arrays.copyOf(whole, whole.length - 6);
    assertInvalid(
        answer(send(EDITS, "multipart/form-data; boundary=edge", broken)), null, "multipart form");
  }

  private static void assertInvalid(Answer answer, String param, String message) {
    assertEquals(400, answer.status(), () -> answer.body().toString());
    assertEquals(param, answer.error().path("param").textValue());
    String found = answer.error().path("message").textValue();
    assertTrue(found.contains(message), found);
  }

  @Test
  void otherStatuses() throws IOException, InterruptedException {
    assertEquals(415, answer(send(GENERATIONS, "text/plain", new byte[3])).status());
    assertEquals(
        413, answer(send(GENERATIONS, "application/json", new byte[(1 << 20) + 1])).status());
    Answer unknown = post(GENERATIONS, "{'prompt':'a','model':'other'}");
    assertEquals(404, unknown.status());
    assertEquals("model_not_found", unknown.error().path("code").textValue());
    HttpResponse<byte[]> wrong = get(at(GENERATIONS).toString());
    assertEquals(405, wrong.statusCode());
    assertNotNull(answer(wrong).error().path("message").textValue());
    assertEquals(404, get(at("/v1/none").toString()).statusCode());
    assertEquals(404, get(at("/../pom.xml").toString()).statusCode());
  }

  @Test
  void theModelIsListed() throws IOException, InterruptedException {
    JsonNode list = answer(get(at("/v1/models").toString())).body();
    assertEquals("demo", list.at("/data/0/id").textValue());
    assertEquals("blip3o-next", list.at("/data/1/id").textValue());
    assertEquals("128x128", list.at("/data/0/size").textValue());
    JsonNode one = answer(get(at("/v1/models/blip3o-next").toString())).body();
    assertEquals("model", one.path("object").textValue());
    assertEquals(404, get(at("/v1/models/other").toString()).statusCode());
  }
}
