package dev.blip3o.server.pictures;

import dev.blip3o.InputImage;
import java.nio.ByteBuffer;

/** Masks as OpenAI's images API has them: transparent may change, opaque is kept. */
public final class Masks {
  private static final int RGBA = 4;
  private static final int OPAQUE = 255;

  private Masks() {}

  /** Whether a picture can be such a mask. */
  public static boolean hasAlpha(InputImage picture) {
    return picture.channels() == RGBA;
  }

  /**
   * The same mask as the library has it: white may change, black is kept.
   *
   * @param mask a picture with alpha
   */
  public static InputImage fromAlpha(InputImage mask) {
    ByteBuffer rgba = mask.bytes();
    byte[] gray = new byte[mask.width() * mask.height()];
    for (int i = 0; i < gray.length; i++) {
      gray[i] = (byte) (OPAQUE - (rgba.get(i * RGBA + RGBA - 1) & OPAQUE));
    }
    return InputImage.ofGray(mask.width(), mask.height(), gray);
  }
}
