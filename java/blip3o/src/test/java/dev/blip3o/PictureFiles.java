package dev.blip3o;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** Makes the picture files that tests read. */
public final class PictureFiles {
  private static final byte[] PNG_SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  private static final int HEADER_END = 8 + 25;

  private PictureFiles() {}

  /** The file of an image. */
  public static byte[] write(String format, BufferedImage image) {
    return write(format, image, false);
  }

  /** The file of an image, interlaced (PNG) or progressive (JPEG). */
  public static byte[] write(String format, BufferedImage image, boolean progressive) {
    ImageWriter writer = ImageIO.getImageWritersByFormatName(format).next();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      ImageWriteParam param = writer.getDefaultWriteParam();
      if (progressive) {
        param.setProgressiveMode(ImageWriteParam.MODE_DEFAULT);
      }
      writer.setOutput(out);
      writer.write(null, new IIOImage(image, null, null), param);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  /** An image of a component colour model with these samples, {@code [height, width, bands]}. */
  public static BufferedImage components(
      int width, int height, int colours, boolean alpha, int dataType, int... samples) {
    int space = colours == 1 ? ColorSpace.CS_GRAY : ColorSpace.CS_sRGB;
    ComponentColorModel model =
        new ComponentColorModel(
            ColorSpace.getInstance(space),
            alpha,
            false,
            alpha ? ComponentColorModel.TRANSLUCENT : ComponentColorModel.OPAQUE,
            dataType);
    WritableRaster raster = model.createCompatibleWritableRaster(width, height);
    raster.setPixels(0, 0, width, height, samples);
    return new BufferedImage(model, raster, false, null);
  }

  /** An RGB image with a smooth pattern in which no two neighbours are equal. */
  public static BufferedImage pattern(int width, int height) {
    return components(width, height, 3, false, DataBuffer.TYPE_BYTE, samples(width, height, 3));
  }

  /** The samples of a pattern, {@code [height, width, channels]}. */
  public static int[] samples(int width, int height, int channels) {
    int[] samples = new int[width * height * channels];
    for (int i = 0; i < samples.length; i++) {
      int x = i / channels % width;
      int y = i / channels / width;
      samples[i] = (x * 7 + y * 11 + i % channels * 70 + 13) % 256;
    }
    return samples;
  }

  /** A PNG of one chunk after the other. */
  public static byte[] png(byte[]... chunks) {
    return join(PNG_SIGNATURE, join(chunks));
  }

  /** A header chunk of a PNG. */
  public static byte[] header(int width, int height, int bits, int colourType) {
    ByteBuffer data = ByteBuffer.allocate(13);
    data.putInt(width).putInt(height).put((byte) bits).put((byte) colourType);
    return chunk("IHDR", data.array());
  }

  /** A chunk of a PNG. */
  public static byte[] chunk(String type, byte[] data) {
    byte[] name = type.getBytes(StandardCharsets.US_ASCII);
    CRC32 sum = new CRC32();
    sum.update(name);
    sum.update(data);
    return ByteBuffer.allocate(12 + data.length)
        .putInt(data.length)
        .put(name)
        .put(data)
        .putInt((int) sum.getValue())
        .array();
  }

  /** The PNG with {@code chunk} after its header. */
  public static byte[] withChunk(byte[] png, byte[] chunk) {
    return insert(png, HEADER_END, chunk);
  }

  /** The JPEG with a segment after its first marker. */
  public static byte[] withSegment(byte[] jpeg, int marker, byte[] data) {
    ByteBuffer segment = ByteBuffer.allocate(4 + data.length);
    segment.put((byte) 0xFF).put((byte) marker).putShort((short) (data.length + 2)).put(data);
    return insert(jpeg, 2, segment.array());
  }

  /** EXIF data that holds an orientation and nothing else. */
  public static byte[] exif(int orientation, ByteOrder order) {
    ByteBuffer data = ByteBuffer.allocate(26).order(order);
    data.put((byte) (order == ByteOrder.BIG_ENDIAN ? 'M' : 'I')).put(data.get(0));
    data.putShort((short) 42).putInt(8); // magic number, where the directory is
    data.putShort((short) 1).putShort((short) 0x0112).putShort((short) 3).putInt(1);
    data.putShort((short) orientation).putShort((short) 0).putInt(0); // value, no next directory
    return data.array();
  }

  /**
   * A TIFF of one strip with a palette of 8 bits.
   *
   * @param palette 256 reds, greens and blues of 16 bits
   * @param indices {@code [height, width]}
   */
  public static byte[] tiff(
      int width, int height, int orientation, ByteOrder order, int[] palette, byte[] indices) {
    int[][] entries = { // tag, type (3: 16 bits, 4: 32 bits), count, value or place
      {256, 3, 1, width},
      {257, 3, 1, height},
      {258, 3, 1, 8}, // bits
      {259, 3, 1, 1}, // not compressed
      {262, 3, 1, 3}, // palette
      {273, 4, 1, 0}, // where the strip is
      {274, 3, 1, orientation},
      {277, 3, 1, 1}, // samples of a pixel
      {278, 3, 1, height}, // rows of the strip
      {279, 4, 1, indices.length},
      {320, 3, palette.length, 0}, // where the palette is
    };
    int paletteAt = 8 + 2 + entries.length * 12 + 4;
    entries[10][3] = paletteAt;
    entries[5][3] = paletteAt + 2 * palette.length;
    ByteBuffer data = ByteBuffer.allocate(entries[5][3] + indices.length).order(order);
    data.put((byte) (order == ByteOrder.BIG_ENDIAN ? 'M' : 'I')).put(data.get(0));
    data.putShort((short) 42).putInt(8).putShort((short) entries.length);
    for (int[] entry : entries) {
      data.putShort((short) entry[0]).putShort((short) entry[1]).putInt(entry[2]);
      if (entry[1] == 3 && entry[2] == 1) {
        data.putShort((short) entry[3]).putShort((short) 0);
      } else {
        data.putInt(entry[3]);
      }
    }
    data.putInt(0); // no next directory
    for (int value : palette) {
      data.putShort((short) value);
    }
    return data.put(indices).array();
  }

  /** Arrays one after the other. */
  public static byte[] join(byte[]... parts) {
    ByteArrayOutputStream joined = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      joined.writeBytes(part);
    }
    return joined.toByteArray();
  }

  private static byte[] insert(byte[] file, int at, byte[] part) {
    ByteBuffer result = ByteBuffer.allocate(file.length + part.length);
    return result.put(file, 0, at).put(part).put(file, at, file.length - at).array();
  }
}
