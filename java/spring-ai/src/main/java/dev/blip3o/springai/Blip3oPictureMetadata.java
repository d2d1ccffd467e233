package dev.blip3o.springai;

import dev.blip3o.Timings;
import java.util.List;
import org.springframework.ai.image.ImageGenerationMetadata;

/**
 * How a picture was made.
 *
 * @param seed repeats the picture with the same prompt and settings
 * @param tokens the image tokens that were drawn, in their order
 * @param timings how long its stages took
 */
public record Blip3oPictureMetadata(long seed, List<Integer> tokens, Timings timings)
    implements ImageGenerationMetadata {
  /** Keeps a copy of the tokens. */
  public Blip3oPictureMetadata {
    tokens = List.copyOf(tokens);
  }
}
