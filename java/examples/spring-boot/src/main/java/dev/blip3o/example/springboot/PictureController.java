package dev.blip3o.example.springboot;

import dev.blip3o.InputImage;
import dev.blip3o.springai.Blip3oImageOptions;
import dev.blip3o.springai.Blip3oPictureMetadata;
import java.io.IOException;
import java.util.Base64;
import java.util.Objects;
import org.springframework.ai.image.ImageGeneration;
import org.springframework.ai.image.ImageModel;
import org.springframework.ai.image.ImagePrompt;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.multipart.MultipartFile;

/** Pictures as PNG files; the header {@code X-Seed} tells what repeats one. */
@RestController
class PictureController {
  static final String SEED = "X-Seed";

  private final ImageModel images;

  PictureController(ImageModel images) {
    this.images = images;
  }

  /**
   * What to draw.
   *
   * @param prompt in a few words
   * @param seed the same one gives the same picture; null: a random one
   */
  record Drawing(String prompt, Long seed) {}

  /** Draws a picture. */
  @PostMapping(path = "/pictures", consumes = MediaType.APPLICATION_JSON_VALUE)
  ResponseEntity<byte[]> draw(@RequestBody Drawing drawing) {
    return answer(drawing.prompt(), drawing.seed(), Blip3oImageOptions.builder());
  }

  /**
   * Edits a picture.
   *
   * @param mask white where the picture may change, if not everywhere
   */
  @PostMapping(path = "/edits", consumes = MediaType.MULTIPART_FORM_DATA_VALUE)
  ResponseEntity<byte[]> edit(
      @RequestParam String prompt,
      @RequestParam(required = false) Long seed,
      @RequestParam MultipartFile picture,
      @RequestParam(required = false) MultipartFile mask)
      throws IOException {
    Blip3oImageOptions.Builder options = Blip3oImageOptions.builder();
    options.references(InputImage.decode(picture.getBytes()));
    if (mask != null) {
      options.mask(InputImage.decode(mask.getBytes()));
    }
    return answer(prompt, seed, options);
  }

  private ResponseEntity<byte[]> answer(
      String prompt, Long seed, Blip3oImageOptions.Builder options) {
    if (seed != null) {
      options.seed(seed);
    }
    String text = Objects.requireNonNullElse(prompt, "");
    ImageGeneration made = images.call(new ImagePrompt(text, options.build())).getResult();
    var metadata = (Blip3oPictureMetadata) made.getMetadata();
    return ResponseEntity.ok()
        .contentType(MediaType.IMAGE_PNG)
        .header(SEED, Long.toString(metadata.seed()))
        .body(Base64.getDecoder().decode(made.getOutput().getB64Json()));
  }
}
