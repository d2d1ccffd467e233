package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Point;
import java.awt.color.ColorSpace;
import java.awt.color.ICC_Profile;
import java.awt.image.BufferedImage;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ReadOnlyBufferException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InputImageTest {
  private static final int APPLICATION_1 = 0xE1;
  private static final int APPLICATION_2 = 0xE2;

  @ParameterizedTest
  @CsvSource({
    "png,1,1",
    "png,1,100",
    "png,37,23",
    "png,300,200",
    "bmp,37,23",
    "bmp,3,100",
    "tiff,37,23"
  })
  void samplesAreThoseOfTheFile(String format, int width, int height) {
    BufferedImage image = PictureFiles.pattern(width, height);
    InputImage read = InputImage.decode(PictureFiles.write(format, image));
    assertSamples(read, width, height, 3, PictureFiles.samples(width, height, 3));
  }

  @Test
  void filesAreReadAndLeftClosed(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("größe.png");
    Files.write(file, PictureFiles.write("png", PictureFiles.pattern(9, 5)));
    assertSamples(InputImage.read(file), 9, 5, 3, PictureFiles.samples(9, 5, 3));
    Files.write(file, new byte[] {1, 2, 3});
    assertThrows(InputImageException.class, () -> InputImage.read(file));
    try (var open = Files.list(Path.of("/proc/self/fd"))) {
      assertEquals(0, open.filter(link -> pointsTo(link, file)).count());
    }
  }

  private static boolean pointsTo(Path link, Path file) {
    try {
      return Files.readSymbolicLink(link).equals(file);
    } catch (IOException e) {
      return false; // closed meanwhile
    }
  }

  @Test
  void interlacedPngs() {
    byte[] file = PictureFiles.write("png", PictureFiles.pattern(37, 23), true);
    assertEquals(1, file[28], "interlaced");
    assertSamples(InputImage.decode(file), 37, 23, 3, PictureFiles.samples(37, 23, 3));
  }

  @Test
  void greyStaysAsItIs() {
    int[] samples = PictureFiles.samples(37, 23, 1);
    BufferedImage image = PictureFiles.components(37, 23, 1, false, DataBuffer.TYPE_BYTE, samples);
    assertSamples(InputImage.decode(PictureFiles.write("png", image)), 37, 23, 1, samples);
    assertSamples(InputImage.decode(PictureFiles.write("bmp", image)), 37, 23, 1, samples);
  }

  @Test
  void greyWithAlphaBecomesRgbWithAlpha() {
    BufferedImage image =
        PictureFiles.components(3, 1, 1, true, DataBuffer.TYPE_BYTE, 10, 255, 100, 0, 200, 128);
    assertSamples(
        InputImage.decode(PictureFiles.write("png", image)),
        3,
        1,
        4,
        10,
        10,
        10,
        255,
        100,
        100,
        100,
        0,
        200,
        200,
        200,
        128);
  }

  @Test
  void alphaIsKept() {
    int[] samples = PictureFiles.samples(37, 23, 4);
    BufferedImage image = PictureFiles.components(37, 23, 3, true, DataBuffer.TYPE_BYTE, samples);
    assertSamples(InputImage.decode(PictureFiles.write("png", image)), 37, 23, 4, samples);
  }

  @Test
  void sixteenBitsAreRounded() {
    int[] samples = {0, 128, 129, 385, 386, 32767, 32768, 65406, 65407, 65535, 257, 65278};
    int[] expected = new int[samples.length];
    for (int i = 0; i < samples.length; i++) {
      expected[i] = (int) Math.round(samples[i] / 257.0);
    }
    BufferedImage grey = PictureFiles.components(4, 3, 1, false, DataBuffer.TYPE_USHORT, samples);
    BufferedImage rgb = PictureFiles.components(2, 2, 3, false, DataBuffer.TYPE_USHORT, samples);
    BufferedImage rgba = PictureFiles.components(1, 3, 3, true, DataBuffer.TYPE_USHORT, samples);
    assertSamples(InputImage.decode(PictureFiles.write("png", grey)), 4, 3, 1, expected);
    assertSamples(InputImage.decode(PictureFiles.write("png", rgb)), 2, 2, 3, expected);
    assertSamples(InputImage.decode(PictureFiles.write("png", rgba)), 1, 3, 4, expected);
    assertSamples(InputImage.of(grey), 4, 3, 1, expected);
    assertSamples(InputImage.of(rgb), 2, 2, 3, expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "gif", "bmp"})
  void palettes(String format) {
    byte[][] colours = new byte[3][32]; // below 17, ImageIO's BMP writer mixes up the indices
    for (int i = 0; i < 3; i++) {
      colours[i][0] = (byte) (i + 1);
      colours[i][1] = (byte) (50 + i * 10);
      colours[i][2] = (byte) (255 - i);
    }
    IndexColorModel palette = new IndexColorModel(8, 32, colours[0], colours[1], colours[2]);
    assertSamples(
        InputImage.decode(PictureFiles.write(format, indexed(palette, 2, 0, 1))),
        3,
        1,
        3,
        255,
        254,
        253,
        1,
        2,
        3,
        50,
        60,
        70);
  }

  @Test
  void palettesWithTransparency() {
    IndexColorModel palette =
        new IndexColorModel(
            8,
            3,
            new byte[] {1, 50, -1},
            new byte[] {2, 60, -2},
            new byte[] {3, 70, -3},
            new byte[] {0, (byte) 128, -1});
    assertSamples(
        InputImage.decode(PictureFiles.write("png", indexed(palette, 2, 0, 1))),
        3,
        1,
        4,
        255,
        254,
        253,
        255,
        1,
        2,
        3,
        0,
        50,
        60,
        70,
        128);
  }

  @ParameterizedTest
  @CsvSource({"1,255", "2,85", "4,17"})
  void fewBitsOfGrey(int bits, int step) {
    BufferedImage image = new BufferedImage(4, 1, BufferedImage.TYPE_BYTE_BINARY, greys(bits));
    image.getRaster().setPixels(0, 0, 4, 1, new int[] {0, 1, 1, 0});
    assertSamples(InputImage.decode(PictureFiles.write("png", image)), 4, 1, 1, 0, step, step, 0);
  }

  private static IndexColorModel greys(int bits) {
    byte[] ramp = new byte[1 << bits];
    for (int i = 0; i < ramp.length; i++) {
      ramp[i] = (byte) (i * 255 / (ramp.length - 1));
    }
    return new IndexColorModel(bits, ramp.length, ramp, ramp, ramp);
  }

  private static BufferedImage indexed(IndexColorModel palette, int... indices) {
    BufferedImage image =
        new BufferedImage(indices.length, 1, BufferedImage.TYPE_BYTE_INDEXED, palette);
    image.getRaster().setPixels(0, 0, indices.length, 1, indices);
    return image;
  }

  /** The file's own bit pattern for a colour that counts as transparent. */
  @Test
  void aTransparentColourBecomesAlpha() {
    BufferedImage grey = PictureFiles.components(3, 1, 1, false, DataBuffer.TYPE_BYTE, 10, 20, 30);
    byte[] file =
        PictureFiles.withChunk(
            PictureFiles.write("png", grey), PictureFiles.chunk("tRNS", new byte[] {0, 20}));
    assertSamples(
        InputImage.decode(file), 3, 1, 4, 10, 10, 10, 255, 20, 20, 20, 0, 30, 30, 30, 255);
  }

  @ParameterizedTest
  @CsvSource({"1,8", "1,16", "3,8", "3,16"})
  void theTransparentColourOfAPngCounts(int colours, int bits) {
    int unit = bits == 8 ? 1 : 257;
    int[] samples = new int[2 * colours];
    ByteBuffer key = ByteBuffer.allocate(2 * colours);
    for (int i = 0; i < colours; i++) {
      samples[i] = (10 + i) * unit;
      samples[colours + i] = (20 + i) * unit;
      key.putShort((short) samples[colours + i]);
    }
    int type = bits == 8 ? DataBuffer.TYPE_BYTE : DataBuffer.TYPE_USHORT;
    BufferedImage image = PictureFiles.components(2, 1, colours, false, type, samples);
    byte[] file =
        PictureFiles.withChunk(
            PictureFiles.write("png", image), PictureFiles.chunk("tRNS", key.array()));
    int step = colours == 1 ? 0 : 1;
    assertSamples(
        InputImage.decode(file),
        2,
        1,
        4,
        10,
        10 + step,
        10 + 2 * step,
        255,
        20,
        20 + step,
        20 + 2 * step,
        0);
  }

  @Test
  void jpegs() {
    byte[] grey = new byte[16 * 8];
    Arrays.fill(grey, (byte) 200);
    BufferedImage image = new BufferedImage(16, 8, BufferedImage.TYPE_BYTE_GRAY);
    image.getRaster().setDataElements(0, 0, 16, 8, grey);
    assertEquals(
        InputImage.ofGray(16, 8, grey), InputImage.decode(PictureFiles.write("jpeg", image)));
    byte[] file = PictureFiles.write("jpeg", PictureFiles.pattern(37, 23), true);
    assertEquals(3, InputImage.decode(file).channels());
    assertEquals(37, InputImage.decode(file).width());
  }

  @Test
  void colourProfilesOfJpegsAreIgnored() {
    byte[] file = PictureFiles.write("jpeg", PictureFiles.pattern(37, 23));
    InputImage plain = InputImage.decode(file);
    byte[] linear = ICC_Profile.getInstance(ColorSpace.CS_LINEAR_RGB).getData();
    byte[] grey = ICC_Profile.getInstance(ColorSpace.CS_GRAY).getData();
    for (byte[] profile : new byte[][] {linear, grey, {1, 2, 3}}) {
      byte[] segment =
          PictureFiles.join(
              "ICC_PROFILE\0".getBytes(StandardCharsets.US_ASCII), new byte[] {1, 1}, profile);
      byte[] profiled = PictureFiles.withSegment(file, APPLICATION_2, segment);
      assertEquals(plain, InputImage.decode(profiled));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1,abc/def",
    "2,cba/fed",
    "3,fed/cba",
    "4,def/abc",
    "5,ad/be/cf",
    "6,da/eb/fc",
    "7,fc/eb/da",
    "8,cf/be/ad",
    "0,abc/def",
    "9,abc/def"
  })
  void exifOrientation(int orientation, String expected) {
    byte[] png = PictureFiles.write("png", PictureFiles.pattern(3, 2));
    byte[] jpeg = PictureFiles.write("jpeg", PictureFiles.pattern(3, 2));
    int[] palette = palette(256);
    byte[] indices = {10, 20, 30, 40, 50, 60};
    for (ByteOrder order : new ByteOrder[] {ByteOrder.BIG_ENDIAN, ByteOrder.LITTLE_ENDIAN}) {
      byte[] exif = PictureFiles.exif(orientation, order);
      assertTurned(
          expected,
          InputImage.decode(png),
          InputImage.decode(PictureFiles.withChunk(png, PictureFiles.chunk("eXIf", exif))));
      byte[] segment = PictureFiles.join("Exif\0\0".getBytes(StandardCharsets.US_ASCII), exif);
      assertTurned(
          expected,
          InputImage.decode(jpeg),
          InputImage.decode(PictureFiles.withSegment(jpeg, APPLICATION_1, segment)));
      assertTurned(
          expected,
          InputImage.decode(PictureFiles.tiff(3, 2, 1, order, palette, indices)),
          InputImage.decode(PictureFiles.tiff(3, 2, orientation, order, palette, indices)));
    }
  }

  /** Programs store the colours of 8 bits times 256 or times 257. */
  @ParameterizedTest
  @ValueSource(ints = {256, 257})
  void palettesOfTiffs(int factor) {
    byte[] indices = new byte[256];
    int[] expected = new int[3 * 256];
    for (int i = 0; i < 256; i++) {
      indices[i] = (byte) i;
      expected[3 * i] = i;
      expected[3 * i + 1] = 255 - i;
      expected[3 * i + 2] = i ^ 85;
    }
    byte[] file = PictureFiles.tiff(16, 16, 1, ByteOrder.LITTLE_ENDIAN, palette(factor), indices);
    assertSamples(InputImage.decode(file), 16, 16, 3, expected);
  }

  private static int[] palette(int factor) {
    int[] palette = new int[3 * 256];
    for (int i = 0; i < 256; i++) {
      palette[i] = i * factor;
      palette[256 + i] = (255 - i) * factor;
      palette[512 + i] = (i ^ 85) * factor;
    }
    return palette;
  }

  /** Pixels of {@code stored} are a to f, row by row. */
  private static void assertTurned(String expected, InputImage stored, InputImage turned) {
    String[] rows = expected.split("/");
    assertEquals(rows.length, turned.height());
    assertEquals(rows[0].length(), turned.width());
    for (int y = 0; y < rows.length; y++) {
      for (int x = 0; x < rows[0].length(); x++) {
        int from = rows[y].charAt(x) - 'a';
        assertEquals(
            stored.bytes().slice(3 * from, 3),
            turned.bytes().slice(3 * (y * turned.width() + x), 3),
            expected + " at " + x + "," + y);
      }
    }
  }

  @Test
  void brokenExifDataAreIgnored() {
    byte[] jpeg = PictureFiles.write("jpeg", PictureFiles.pattern(3, 2));
    byte[] exif = PictureFiles.exif(6, ByteOrder.BIG_ENDIAN);
    byte[] cut = Arrays.copyOf(exif, 12); // within the first entry of its directory
    byte[] segment = PictureFiles.join("Exif\0\0".getBytes(StandardCharsets.US_ASCII), cut);
    assertEquals(
        InputImage.decode(jpeg),
        InputImage.decode(PictureFiles.withSegment(jpeg, APPLICATION_1, segment)));
  }

  @ParameterizedTest
  @ValueSource(
      ints = {
        BufferedImage.TYPE_INT_RGB,
        BufferedImage.TYPE_INT_BGR,
        BufferedImage.TYPE_3BYTE_BGR,
        BufferedImage.TYPE_INT_ARGB,
        BufferedImage.TYPE_4BYTE_ABGR
      })
  void bufferedImagesWithWholeBytes(int type) {
    BufferedImage image = new BufferedImage(5, 4, type);
    int channels = image.getColorModel().getNumComponents();
    int[] samples = PictureFiles.samples(5, 4, channels);
    image.getRaster().setPixels(0, 0, 5, 4, samples);
    assertSamples(InputImage.of(image), 5, 4, channels, samples);
  }

  @Test
  void bufferedImagesOfOtherTypes() {
    assertSamples(InputImage.of(one(BufferedImage.TYPE_BYTE_GRAY, 77)), 1, 1, 1, 77);
    assertSamples(InputImage.of(one(BufferedImage.TYPE_USHORT_GRAY, 77 * 257)), 1, 1, 1, 77);
    assertSamples(
        InputImage.of(one(BufferedImage.TYPE_USHORT_565_RGB, 31, 32, 16)), 1, 1, 3, 255, 130, 132);
    assertSamples(
        InputImage.of(one(BufferedImage.TYPE_USHORT_555_RGB, 31, 0, 1)), 1, 1, 3, 255, 0, 8);
    assertSamples(InputImage.of(one(BufferedImage.TYPE_BYTE_BINARY, 1)), 1, 1, 1, 255);
    BufferedImage indexed = one(BufferedImage.TYPE_BYTE_INDEXED, 7);
    int rgb = indexed.getRGB(0, 0);
    assertSamples(InputImage.of(indexed), 1, 1, 3, rgb >> 16 & 255, rgb >> 8 & 255, rgb & 255);
  }

  private static BufferedImage one(int type, int... samples) {
    BufferedImage image = new BufferedImage(1, 1, type);
    image.getRaster().setPixel(0, 0, samples);
    return image;
  }

  @ParameterizedTest
  @ValueSource(ints = {BufferedImage.TYPE_INT_ARGB_PRE, BufferedImage.TYPE_4BYTE_ABGR_PRE})
  void premultipliedAlphaIsDivided(int type) {
    assertSamples(InputImage.of(one(type, 100, 50, 0, 100)), 1, 1, 4, 255, 128, 0, 100);
    assertSamples(InputImage.of(one(type, 7, 8, 9, 255)), 1, 1, 4, 7, 8, 9, 255);
    assertSamples(InputImage.of(one(type, 7, 8, 9, 0)), 1, 1, 4, 0, 0, 0, 0);
  }

  @Test
  void partsOfAnImage() {
    BufferedImage part = PictureFiles.pattern(9, 7).getSubimage(4, 3, 2, 2);
    int[] whole = PictureFiles.samples(9, 7, 3);
    int[] expected = new int[12];
    System.arraycopy(whole, (3 * 9 + 4) * 3, expected, 0, 6);
    System.arraycopy(whole, (4 * 9 + 4) * 3, expected, 6, 6);
    assertSamples(InputImage.of(part), 2, 2, 3, expected);
  }

  @Test
  void otherKindsOfSamplesAreRefused() {
    BufferedImage floats = PictureFiles.components(1, 1, 3, false, DataBuffer.TYPE_FLOAT, 0, 0, 0);
    assertMessage("unsigned samples of at most 16 bits", () -> InputImage.of(floats));
  }

  @Test
  void rawPixels() {
    byte[] bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    assertSamples(InputImage.ofGray(4, 3, bytes), 4, 3, 1, ints(bytes));
    assertSamples(InputImage.ofRgb(4, 1, bytes), 4, 1, 3, ints(bytes));
    assertSamples(InputImage.ofRgba(1, 3, bytes), 1, 3, 4, ints(bytes));
    assertSamples(InputImage.of(Pixels.of(2, 2, bytes)), 2, 2, 3, ints(bytes));
    assertMessage("needs 12 bytes, but has 11", () -> InputImage.ofRgb(2, 2, new byte[11]));
    assertMessage("has no pixels: its size is 0x2", () -> InputImage.ofRgb(0, 2, new byte[0]));
    assertMessage("has no pixels", () -> InputImage.ofGray(-1, 2, new byte[0]));
    assertMessage("too many pixels", () -> InputImage.ofGray(1 << 15, 1 << 14, new byte[0]));
  }

  @Test
  void valuesAreCopiedInAndReadOnlyOut() {
    byte[] bytes = {1, 2, 3, 4};
    InputImage image = InputImage.ofGray(2, 2, bytes);
    bytes[0] = 9;
    assertEquals(1, image.bytes().get(0));
    assertThrows(ReadOnlyBufferException.class, () -> image.bytes().put(0, (byte) 9));
    BufferedImage buffered = PictureFiles.pattern(2, 2);
    InputImage copy = InputImage.of(buffered);
    buffered.getRaster().setSample(0, 0, 0, 99);
    assertEquals(13, copy.bytes().get(0));
  }

  @Test
  void equalityIsOfSizeAndSamples() {
    InputImage image = InputImage.ofGray(4, 1, new byte[4]);
    assertEquals(image, InputImage.ofGray(4, 1, new byte[4]));
    assertEquals(image.hashCode(), InputImage.ofGray(4, 1, new byte[4]).hashCode());
    assertNotEquals(image, InputImage.ofGray(2, 2, new byte[4]));
    assertNotEquals(image, InputImage.ofRgba(1, 1, new byte[4]));
    assertNotEquals(image, InputImage.ofGray(4, 1, new byte[] {0, 0, 0, 1}));
    assertEquals("InputImage[4x1x1]", image.toString());
  }

  @Test
  void aMaskIsTheLuma() {
    assertArrayEquals(new byte[] {1, -1}, InputImage.ofGray(2, 1, new byte[] {1, -1}).luma());
    byte[] rgb = {-1, -1, -1, -1, 0, 0, 0, -1, 0, 0, 0, -1, 0, 0, 0};
    assertArrayEquals(new byte[] {-1, 76, (byte) 150, 29, 0}, InputImage.ofRgb(5, 1, rgb).luma());
    byte[] rgba = {0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 51};
    assertArrayEquals(new byte[] {0, -1, (byte) 204}, InputImage.ofRgba(3, 1, rgba).luma());
  }

  /** A raster that begins elsewhere than at 0, 0. */
  @Test
  void rastersWithAnOrigin() {
    Raster raster =
        Raster.createInterleavedRaster(DataBuffer.TYPE_BYTE, 4, 4, 1, null)
            .createTranslatedChild(0, 0);
    WritableRaster writable = (WritableRaster) raster;
    writable.setSample(3, 3, 0, 9);
    WritableRaster moved = writable.createWritableChild(2, 2, 2, 2, 0, 0, null);
    BufferedImage image =
        new BufferedImage(
            new BufferedImage(1, 1, BufferedImage.TYPE_BYTE_GRAY).getColorModel(),
            moved,
            false,
            null);
    assertEquals(new Point(0, 0), new Point(image.getMinX(), image.getMinY()));
    assertSamples(InputImage.of(image), 2, 2, 1, 0, 0, 0, 9);
  }

  private static int[] ints(byte[] bytes) {
    int[] ints = new int[bytes.length];
    for (int i = 0; i < ints.length; i++) {
      ints[i] = bytes[i] & 0xFF;
    }
    return ints;
  }

  private static void assertSamples(
      InputImage image, int width, int height, int channels, int... samples) {
    assertEquals(width, image.width());
    assertEquals(height, image.height());
    assertEquals(channels, image.channels());
    ByteBuffer bytes = image.bytes();
    byte[] found = new byte[bytes.remaining()];
    bytes.get(found);
    assertArrayEquals(samples, ints(found));
  }

  private static void assertMessage(String message, Executable executable) {
    String found = assertThrows(InputImageException.class, executable).getMessage();
    assertTrue(found.contains(message), found);
  }
}
