package dev.blip3o;

import java.util.Arrays;
import java.util.Objects;

/**
 * What happens to a submitted picture, in this order: {@link Queued}, {@link Started}, {@link
 * Progressed} again and again with {@link Preview} between, {@link Finished}.
 */
public sealed interface PictureEvent {
  /**
   * The request waits.
   *
   * @param ahead how many requests are ahead of it
   */
  record Queued(int ahead) implements PictureEvent {}

  /** The request has its memory, and its work begins. */
  record Started() implements PictureEvent {}

  /**
   * One token, step, or part of the encoders or of the decoder is done.
   *
   * @param progress how far the picture is
   */
  record Progressed(Progress progress) implements PictureEvent {
    /** Checks that it is not null. */
    public Progressed {
      Objects.requireNonNull(progress, "progress");
    }
  }

  /**
   * What the picture looks like so far: small, a pixel for each latent.
   *
   * @param step after how many steps
   * @param steps of how many that run
   * @param width of the preview, in pixels
   * @param height of the preview, in pixels
   * @param png the preview as a PNG file; copied, both ways
   */
  record Preview(int step, int steps, int width, int height, byte[] png) implements PictureEvent {
    /** Copies the file. */
    public Preview {
      png = png.clone();
    }

    /** The preview as a PNG file. A copy. */
    @Override
    public byte[] png() {
      return png.clone();
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Preview that
          && step == that.step
          && steps == that.steps
          && width == that.width
          && height == that.height
          && Arrays.equals(png, that.png);
    }

    @Override
    public int hashCode() {
      return 31 * Objects.hash(step, steps, width, height) + Arrays.hashCode(png);
    }

    @Override
    public String toString() {
      return "Preview[" + step + "/" + steps + ", " + width + "x" + height + "]";
    }
  }

  /**
   * The picture is made. Nothing follows.
   *
   * @param image the picture
   */
  record Finished(GeneratedImage image) implements PictureEvent {
    /** Checks that it is not null. */
    public Finished {
      Objects.requireNonNull(image, "image");
    }
  }
}
