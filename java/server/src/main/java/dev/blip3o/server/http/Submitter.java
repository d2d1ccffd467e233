package dev.blip3o.server.http;

import dev.blip3o.EditRequest;
import dev.blip3o.ImageRequest;
import dev.blip3o.InputImage;
import dev.blip3o.InputImageException;
import dev.blip3o.PictureJob;
import dev.blip3o.PictureRequest;
import dev.blip3o.server.model.ServedModel;
import dev.blip3o.server.openai.ApiException;
import dev.blip3o.server.openai.EditOrder;
import dev.blip3o.server.openai.Operation;
import dev.blip3o.server.openai.PictureOrder;
import dev.blip3o.server.openai.RequestReader;
import dev.blip3o.server.openai.Usage;
import dev.blip3o.server.pictures.Masks;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Turns bodies into jobs of the model: parses, decodes pictures, checks all of it.
 *
 * <p>Threads: safe for use by any thread. It computes for a while: not on an event loop.
 */
final class Submitter {
  /** How a PNG begins. */
  private static final byte[] PNG = {(byte) 0x89, 'P', 'N', 'G'};

  private static final int WEBP_HEAD = 12;

  private final ServedModel model;
  private final ModelNames names;
  private final RequestReader reader;
  private final long maxPixels;

  /**
   * A submitter.
   *
   * @param maxPixels of all pictures of a request together
   */
  Submitter(ServedModel model, ModelNames names, RequestReader reader, long maxPixels) {
    this.model = model;
    this.names = names;
    this.reader = reader;
    this.maxPixels = maxPixels;
  }

  /** Submits what {@code body} asks for; the jobs belong to {@code call} then. */
  Submission submit(Operation operation, RequestBody body, PictureCall call) {
    Submission submission =
        operation == Operation.GENERATION
            ? generation(reader.generation(((RequestBody.Json) body).bytes()))
            : edit(editOrder(body), call);
    call.jobs(submission.jobs());
    return submission;
  }

  private EditOrder editOrder(RequestBody body) {
    if (body instanceof RequestBody.Multipart multipart) {
      Form form = FormReader.read(multipart.bytes(), multipart.boundary());
      return reader.edit(form.values(), form.files());
    }
    return reader.edit(((RequestBody.Json) body).bytes());
  }

  private Submission generation(PictureOrder order) {
    check(order);
    Usage usage = usage(model.promptTokens(order.prompt()), 0, order);
    // Last: whatever fails after it would leave jobs behind that nobody cancels.
    return new Submission(order, submit(ImageRequest.builder(order.prompt()), order), usage);
  }

  private Submission edit(EditOrder edit, PictureCall call) {
    PictureOrder order = edit.order();
    check(order);
    if (!model.capabilities().editing()) {
      throw ApiException.invalid(
          "This server's model can't edit pictures: its checkpoint was not trained for it.", null);
    }
    List<InputImage> pictures = decode(edit.images(), call);
    EditRequest.Builder builder = EditRequest.builder(order.prompt(), pictures);
    edit.mask().ifPresent(file -> builder.mask(mask(file, pictures.get(0), call)));
    int image = pictures.size() * model.info().imageTokens();
    Usage usage = usage(model.editPromptTokens(order.prompt(), pictures.size()), image, order);
    return new Submission(order, submit(builder, order), usage);
  }

  private void check(PictureOrder order) {
    names.check(order.model());
    String size = size();
    if (!order.size().equals(PictureOrder.AUTO) && !order.size().equals(size)) {
      throw ApiException.invalid(
          "This model draws pictures of " + size + " alone: set 'size' to that or to auto.",
          "size");
    }
  }

  /** Width and height of the model's pictures, as requests have it. */
  String size() {
    return model.info().pictureWidth() + "x" + model.info().pictureHeight();
  }

  private List<InputImage> decode(List<byte[]> files, PictureCall call) {
    List<InputImage> pictures = new ArrayList<>();
    long left = maxPixels;
    for (int i = 0; i < files.size(); i++) {
      InputImage picture = decode(files.get(i), left, "image[" + i + "]", call);
      left -= (long) picture.width() * picture.height();
      pictures.add(picture);
    }
    return pictures;
  }

  private InputImage decode(byte[] file, long pixels, String param, PictureCall call) {
    if (pixels < 1) {
      throw ApiException.invalid(tooManyPixels(), param);
    }
    if (webp(file)) {
      // ImageIO would hand it to libwebp, which is here to write: native code parses no upload.
      throw ApiException.invalid(
          param + " is a WebP file, which is not read here: send PNG or JPEG.", param);
    }
    try {
      InputImage picture = InputImage.decode(file, Math.min(pixels, InputImage.LARGEST_MAX_PIXELS));
      call.hold((long) picture.width() * picture.height() * picture.channels());
      return picture;
    } catch (InputImageException e) {
      throw ApiException.invalid(param + ": " + e.getMessage(), param);
    }
  }

  private static boolean webp(byte[] file) {
    return file.length >= WEBP_HEAD
        && new String(file, 0, WEBP_HEAD, StandardCharsets.ISO_8859_1).matches("(?s)RIFF.{4}WEBP");
  }

  private String tooManyPixels() {
    return "The pictures of a request may have "
        + maxPixels
        + " pixels together; make them smaller.";
  }

  private InputImage mask(byte[] file, InputImage picture, PictureCall call) {
    boolean png = file.length > PNG.length && Arrays.equals(file, 0, 4, PNG, 0, 4);
    if (!png) {
      throw ApiException.invalid(
          "The mask must be a PNG with alpha, transparent where the picture may change.", "mask");
    }
    InputImage mask = decode(file, maxPixels, "mask", call);
    if (!Masks.hasAlpha(mask)) {
      throw ApiException.invalid(
          "The mask has no alpha: make it transparent where the picture may change.", "mask");
    }
    if (mask.width() != picture.width() || mask.height() != picture.height()) {
      throw ApiException.invalid(
          String.format(
              Locale.ROOT,
              "The mask must have the size of the first picture, %dx%d, but has %dx%d.",
              picture.width(),
              picture.height(),
              mask.width(),
              mask.height()),
          "mask");
    }
    return Masks.fromAlpha(mask);
  }

  private List<PictureJob> submit(PictureRequest.Builder<?> builder, PictureOrder order) {
    PictureOrder.Sampling sampling = order.sampling();
    builder.count(order.count());
    sampling.seed().ifPresent(builder::seed);
    sampling.steps().ifPresent(builder::steps);
    sampling.guidance().ifPresent(builder::guidance);
    sampling.temperature().ifPresent(builder::temperature);
    sampling.topK().ifPresent(builder::topK);
    sampling.topP().ifPresent(builder::topP);
    if (order.partialImages() > 0) {
      int steps = sampling.steps().orElse(model.info().defaultSteps());
      builder.previewEvery(previewEvery(steps, order.partialImages()));
    }
    return model.submitAll(builder.build());
  }

  /**
   * After how many steps there is a preview each time. The last step has none, so that there are at
   * most {@code previews}, and as evenly as whole steps allow.
   */
  static int previewEvery(int steps, int previews) {
    return (steps + previews) / (previews + 1);
  }

  private Usage usage(int text, int image, PictureOrder order) {
    return new Usage(text, image, order.count() * model.info().imageTokens());
  }
}
