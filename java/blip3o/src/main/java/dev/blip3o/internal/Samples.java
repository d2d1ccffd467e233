package dev.blip3o.internal;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The samples of a picture, rows from the top.
 *
 * @param width pixels
 * @param height pixels
 * @param channels 1: grey, 3: RGB, 4: RGB and alpha
 * @param data {@code [height, width, channels]}
 */
public record Samples(int width, int height, int channels, byte[] data) {
  private static final int IDENTITY = 1;
  private static final int LAST = 8;
  private static final int FINGERPRINT_BYTES = 8;

  /** Where an axis of the stored picture comes from, for an EXIF orientation. */
  private record Turn(boolean transposed, boolean mirroredX, boolean mirroredY) {
    /** Of {@code orientation} in {@code [1, 8]}; the mirrors are those of the stored axes. */
    static Turn of(int orientation) {
      return new Turn(
          orientation >= 5,
          orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8,
          orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7);
    }
  }

  /**
   * The picture as it is meant to be seen.
   *
   * <p>Source: Exif 2.32, tag 0x0112: what the stored row 0 and column 0 are of the picture.
   *
   * @param orientation the tag's value; what is not in {@code [1, 8]} leaves the picture as it is
   */
  Samples oriented(int orientation) {
    if (orientation <= IDENTITY || orientation > LAST) {
      return this;
    }
    Turn turn = Turn.of(orientation);
    int newWidth = turn.transposed ? height : width;
    int newHeight = turn.transposed ? width : height;
    byte[] turned = new byte[data.length];
    int to = 0;
    for (int y = 0; y < newHeight; y++) {
      for (int x = 0; x < newWidth; x++) {
        int storedX = turn.transposed ? y : x;
        int storedY = turn.transposed ? x : y;
        int fromX = turn.mirroredX ? width - 1 - storedX : storedX;
        int fromY = turn.mirroredY ? height - 1 - storedY : storedY;
        System.arraycopy(data, (fromY * width + fromX) * channels, turned, to, channels);
        to += channels;
      }
    }
    return new Samples(newWidth, newHeight, channels, turned);
  }

  /** The first 16 hexadecimal digits of the SHA-256 of the samples. */
  public String fingerprint() {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(data);
      return HexFormat.of().formatHex(hash, 0, FINGERPRINT_BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /**
   * The luma {@code [height, width]} of ITU-R BT.601, over white where there is alpha; grey as it
   * is.
   */
  public byte[] luma() {
    if (channels == 1) {
      return data;
    }
    byte[] luma = new byte[width * height];
    for (int i = 0; i < luma.length; i++) {
      int from = i * channels;
      int alpha = channels == 4 ? data[from + 3] & 0xFF : 255;
      int red = overWhite(data[from], alpha);
      int green = overWhite(data[from + 1], alpha);
      int blue = overWhite(data[from + 2], alpha);
      // 0.299, 0.587 and 0.114 in 16-bit fixed point: white stays 255.
      luma[i] = (byte) ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
    }
    return luma;
  }

  private static int overWhite(byte sample, int alpha) {
    return ((sample & 0xFF) * alpha + 255 * (255 - alpha) + 127) / 255;
  }
}
