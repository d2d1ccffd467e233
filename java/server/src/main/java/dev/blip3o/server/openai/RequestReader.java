package dev.blip3o.server.openai;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blip3o.EditRequest;
import dev.blip3o.PictureRequest;
import dev.blip3o.server.pictures.PictureFormat;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Reads the bodies of requests. What is wrong throws {@link ApiException}, whose message quotes
 * nothing of the prompt.
 *
 * <p>Threads: safe for use by any thread.
 */
public final class RequestReader {
  /** The most pictures of a request. */
  public static final int MAX_COUNT = 10;

  private static final int MAX_PARTIAL_IMAGES = 3;
  private static final int MAX_PROMPT = 32_000;
  private static final int FULL = 100;
  private static final int MAX_DEPTH = 16;

  /** An edit of 16 pictures has some 150; millions of empty objects would be a hundredfold. */
  private static final int MAX_TOKENS = 4096;

  private static final List<String> QUALITIES =
      List.of("auto", "low", "medium", "high", "standard", "hd");
  private static final Set<String> COMMON =
      Set.of(
          "prompt",
          "model",
          "n",
          "size",
          "response_format",
          "output_format",
          "output_compression",
          "user",
          "quality",
          "background",
          "moderation",
          "stream",
          "partial_images",
          "seed",
          "steps",
          "guidance_scale",
          "temperature",
          "top_k",
          "top_p",
          "progress");
  private static final Set<String> GENERATION = with(COMMON, "style");
  private static final Set<String> JSON_EDIT = with(COMMON, "input_fidelity", "images", "mask");
  private static final Set<String> FORM_EDIT = with(COMMON, "input_fidelity");

  private final JsonMapper json;
  private final Set<PictureFormat> formats;

  /**
   * A reader.
   *
   * @param maxBytes no text of a request is longer than its body may be
   * @param formats that pictures can be sent in
   */
  public RequestReader(long maxBytes, Set<PictureFormat> formats) {
    this.formats = formats;
    int longest = (int) Math.min(Integer.MAX_VALUE, maxBytes);
    JsonFactory factory =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxStringLength(longest)
                    .maxNestingDepth(MAX_DEPTH)
                    .maxTokenCount(MAX_TOKENS)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();
    this.json =
        JsonMapper.builder(factory).enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();
  }

  private static Set<String> with(Set<String> names, String... more) {
    Set<String> all = new HashSet<>(names);
    all.addAll(List.of(more));
    return Set.copyOf(all);
  }

  /** The body of {@code /v1/images/generations}. */
  public PictureOrder generation(byte[] body) {
    Fields fields = Fields.of(object(body));
    fields.allow(GENERATION);
    fields.choice("style", "vivid", List.of("vivid", "natural"));
    return order(Operation.GENERATION, fields);
  }

  /** The JSON body of {@code /v1/images/edits}. */
  public EditOrder edit(byte[] body) {
    Fields fields = Fields.of(object(body));
    fields.allow(JSON_EDIT);
    PictureOrder order = editOrder(fields);
    List<byte[]> images = new ArrayList<>();
    JsonNode list = fields.node("images").orElseThrow(RequestReader::noImages);
    if (!list.isArray()) {
      throw ApiException.invalid(
          "Invalid value for 'images': expected an array of objects with 'image_url'.", "images");
    }
    checkImages(list.size(), "images");
    for (int i = 0; i < list.size(); i++) {
      images.add(DataUrls.image(list.get(i), "images[" + i + "]"));
    }
    Optional<byte[]> mask = fields.node("mask").map(node -> DataUrls.image(node, "mask"));
    return new EditOrder(order, List.copyOf(images), mask);
  }

  /**
   * The form of {@code /v1/images/edits}.
   *
   * @param values the fields that are no files, each with all its values
   * @param files the files in their order
   */
  public EditOrder edit(List<Map.Entry<String, String>> values, List<FormPart> files) {
    Fields fields = Fields.of(single(values));
    fields.allow(FORM_EDIT);
    PictureOrder order = editOrder(fields);
    List<byte[]> images = new ArrayList<>();
    Optional<byte[]> mask = Optional.empty();
    for (FormPart file : files) {
      switch (file.name()) {
        case "image", "image[]" -> images.add(file.bytes());
        case "mask" -> {
          if (mask.isPresent()) {
            throw ApiException.invalid("The form has two files named 'mask': send one.", "mask");
          }
          mask = Optional.of(file.bytes());
        }
        default ->
            throw ApiException.invalid(
                "The form has a file under a name that is none of 'image', 'image[]' and 'mask'.",
                null);
      }
    }
    checkImages(images.size(), "image");
    return new EditOrder(order, List.copyOf(images), mask);
  }

  private static Map<String, String> single(List<Map.Entry<String, String>> values) {
    Map<String, String> fields = new LinkedHashMap<>();
    for (Map.Entry<String, String> value : values) {
      String name = value.getKey();
      if (List.of("image", "image[]", "mask").contains(name)) {
        throw ApiException.invalid(
            "'" + name + "' must be a file: give its part a file name.", name);
      }
      if (fields.put(name, value.getValue()) != null) {
        throw ApiException.invalid("A field of the form is given twice: send each once.", null);
      }
    }
    return fields;
  }

  private PictureOrder editOrder(Fields fields) {
    fields.choice("input_fidelity", "low", List.of("low", "high"));
    return order(Operation.EDIT, fields);
  }

  private static void checkImages(int count, String param) {
    if (count == 0) {
      throw noImages();
    }
    if (count > EditRequest.MAX_REFERENCES) {
      throw ApiException.invalid(
          "An edit takes 1 to "
              + EditRequest.MAX_REFERENCES
              + " pictures, but "
              + count
              + " were given.",
          param);
    }
  }

  private static ApiException noImages() {
    return ApiException.invalid(
        "An edit needs a picture: send a form with a file named 'image', or JSON with 'images'.",
        "image");
  }

  private ObjectNode object(byte[] body) {
    try {
      JsonNode node = json.readTree(body);
      if (node instanceof ObjectNode object) {
        return object;
      }
      throw ApiException.invalid("The body must be a JSON object.", null);
    } catch (JsonProcessingException e) {
      throw ApiException.invalid(place(e), null);
    } catch (IOException e) {
      throw ApiException.invalid("The body is no JSON in UTF-8.", null);
    }
  }

  /** Where it is wrong, without the words that stand there. */
  private static String place(JsonProcessingException e) {
    return e.getLocation() == null
        ? "The body is no JSON object that this server can read."
        : "The body is no JSON object that this server can read: see line "
            + e.getLocation().getLineNr()
            + ", column "
            + e.getLocation().getColumnNr()
            + ".";
  }

  private PictureOrder order(Operation operation, Fields fields) {
    ignored(fields);
    boolean stream = fields.flag("stream");
    int partialImages = fields.integer("partial_images", 0, MAX_PARTIAL_IMAGES).orElse(0);
    boolean progress = fields.flag("progress");
    if (!stream && (partialImages > 0 || progress)) {
      String param = partialImages > 0 ? "partial_images" : "progress";
      throw ApiException.invalid("'" + param + "' needs 'stream' to be true.", param);
    }
    PictureOrder.Output output = output(fields);
    if (stream && output.address()) {
      throw ApiException.invalid(
          "A stream carries pictures as b64_json: leave out 'response_format', or 'stream'.",
          "response_format");
    }
    return new PictureOrder(
        operation,
        prompt(fields),
        fields.text("model").orElse(""),
        fields.text("size").orElse(PictureOrder.AUTO),
        fields.integer("n", 1, MAX_COUNT).orElse(1),
        sampling(fields),
        output,
        stream,
        partialImages,
        progress);
  }

  /** What clients may say, but changes nothing. */
  private static void ignored(Fields fields) {
    fields.text("user");
    fields.choice("moderation", "auto", List.of("auto", "low"));
    if (fields.text("background").filter("transparent"::equals).isPresent()) {
      throw ApiException.invalid(
          "This model draws no transparent backgrounds: set 'background' to auto or opaque.",
          "background");
    }
    fields.choice("background", "auto", List.of("auto", "opaque"));
  }

  private static String prompt(Fields fields) {
    String prompt =
        fields
            .text("prompt")
            .orElseThrow(
                () -> ApiException.invalid("Missing required parameter: 'prompt'.", "prompt"));
    if (prompt.isBlank()) {
      throw ApiException.invalid("The prompt is empty.", "prompt");
    }
    if (prompt.length() > MAX_PROMPT) {
      throw ApiException.invalid(
          "The prompt may have " + MAX_PROMPT + " characters, but has " + prompt.length() + ".",
          "prompt");
    }
    return prompt;
  }

  private static PictureOrder.Sampling sampling(Fields fields) {
    return new PictureOrder.Sampling(
        fields.seed("seed"),
        fields.integer("steps", 1, PictureRequest.MAX_STEPS),
        fields.real("guidance_scale", 1, false, PictureRequest.MAX_GUIDANCE),
        fields.real("temperature", 0, false, Float.MAX_VALUE),
        fields.integer("top_k", 0, Integer.MAX_VALUE),
        fields.real("top_p", 0, true, 1));
  }

  private PictureOrder.Output output(Fields fields) {
    String name = fields.choice("output_format", "png", List.of("png", "jpeg", "webp"));
    PictureFormat format = PictureFormat.of(name).orElseThrow();
    if (!formats.contains(format)) {
      throw ApiException.invalid(
          "This server can't send pictures as " + name + ": set 'output_format' to another.",
          "output_format");
    }
    int compression = fields.integer("output_compression", 0, FULL).orElse(FULL);
    if (!format.lossy() && compression != FULL) {
      throw ApiException.invalid(
          "PNG has no compression below " + FULL + ": set 'output_format' to jpeg or webp.",
          "output_compression");
    }
    return new PictureOrder.Output(
        format,
        compression,
        fields.choice("response_format", "b64_json", List.of("b64_json", "url")).equals("url"),
        fields.choice("quality", "auto", QUALITIES));
  }
}
