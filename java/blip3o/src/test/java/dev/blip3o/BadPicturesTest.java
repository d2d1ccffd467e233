package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.DataBuffer;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.Deflater;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Pictures that can't be used: one clear error each, whatever the decoder throws. */
class BadPicturesTest {
  private static final Duration AT_ONCE = Duration.ofSeconds(5);
  private static final int TRUECOLOUR = 2;
  private static final int TRUECOLOUR_WITH_ALPHA = 6;

  @TempDir Path directory;

  @Test
  void whatIsNoPicture() throws IOException {
    Path text = file("notes.png", "not a picture, though its name says so");
    assertMessage(text + " is no picture that can be read", () -> InputImage.read(text));
    Path empty = file("empty.png", "");
    assertMessage(empty + " is empty", () -> InputImage.read(empty));
    assertMessage("the picture is empty", () -> InputImage.decode(new byte[0]));
    assertMessage("is no picture that can be read", () -> InputImage.decode(new byte[5000]));
    byte[] noise = new byte[5000];
    new Random(1).nextBytes(noise);
    assertMessage("is no picture that can be read", () -> InputImage.decode(noise));
  }

  @Test
  void whatCantBeOpened() {
    Path missing = directory.resolve("größe-none.png");
    assertMessage(missing + ": there is no such file", () -> InputImage.read(missing));
    assertMessage(directory + " is a directory", () -> InputImage.read(directory));
  }

  @Test
  void whatIsNoFileIsNotRead() {
    Path endless = Path.of("/dev/zero");
    assertTimeoutPreemptively(
        AT_ONCE,
        () -> assertMessage("/dev/zero is a device or a pipe", () -> InputImage.read(endless)));
  }

  /** A gigabyte of zeros that takes no space on the disk. */
  @Test
  void aLargeFileThatBeginsAsNoPictureIsNotReadToItsEnd() throws IOException {
    Path large = directory.resolve("large.raw");
    try (RandomAccessFile file = new RandomAccessFile(large.toFile(), "rw")) {
      file.setLength(1L << 30);
    }
    assertTimeoutPreemptively(
        AT_ONCE,
        () -> assertMessage(large + " is no picture that can be", () -> InputImage.read(large)));
  }

  @ParameterizedTest
  @CsvSource({"png,false", "png,true", "jpeg,false", "jpeg,true", "gif,false", "bmp,false"})
  void aTruncatedFileIsRefusedWhereverItEnds(String format, boolean progressive) {
    byte[] file = PictureFiles.write(format, PictureFiles.pattern(37, 23), progressive);
    assertEquals(37, InputImage.decode(file).width());
    // GIF ends with a trailer, BMP with padding: all pixels are there without them.
    int atMost = format.equals("gif") || format.equals("bmp") ? file.length - 4 : file.length - 1;
    for (int length = 1; length <= atMost; length++) {
      byte[] cut = Arrays.copyOf(file, length);
      String message = refusal(() -> InputImage.decode(cut));
      assertTrue(
          message.startsWith("the picture is truncated or damaged (")
              || message.startsWith("the picture is no picture that can be read"),
          message);
    }
  }

  @Test
  void aTruncatedFileIsNamed() throws IOException {
    byte[] jpeg = PictureFiles.write("jpeg", PictureFiles.pattern(200, 200));
    Path file = directory.resolve("half.jpg");
    Files.write(file, Arrays.copyOf(jpeg, jpeg.length / 2));
    assertMessage(file + " is truncated or damaged", () -> InputImage.read(file));
  }

  @Test
  void aFlippedBitOfAPngIsFound() {
    byte[] file = PictureFiles.write("png", PictureFiles.pattern(37, 23));
    file[file.length / 2] ^= 1;
    assertMessage("the checksum of its chunk IDAT is wrong", () -> InputImage.decode(file));
  }

  @Test
  void damagedFilesGiveOneKindOfError() {
    Random random = new Random(7);
    for (String format : new String[] {"png", "jpeg", "gif", "bmp", "tiff"}) {
      byte[] file = PictureFiles.write(format, PictureFiles.pattern(37, 23));
      for (int i = 0; i < 500; i++) {
        byte[] damaged = file.clone();
        for (int k = 0; k < 4; k++) {
          damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
        }
        decodeOrRefuse(damaged);
      }
    }
  }

  /** A damaged picture may still be one; any other exception fails the test. */
  private static void decodeOrRefuse(byte[] file) {
    try {
      InputImage image = InputImage.decode(file, 1 << 20);
      assertTrue(image.width() > 0 && image.height() > 0);
    } catch (InputImageException e) {
      assertTrue(e.getMessage().startsWith("the picture "), e.getMessage());
    }
  }

  @Test
  void aBombIsRefusedByItsHeader() throws IOException {
    byte[] bomb =
        PictureFiles.png(
            PictureFiles.header(60_000, 60_000, 8, TRUECOLOUR),
            PictureFiles.chunk("IDAT", deflated(new byte[1 << 20])),
            PictureFiles.chunk("IEND", new byte[0]));
    Path file = directory.resolve("bomb.png");
    Files.write(file, bomb);
    assertTimeoutPreemptively(
        AT_ONCE,
        () ->
            assertMessage(
                file
                    + " has too many pixels: 60000x60000 are 3600000000, but at most 67108864 are"
                    + " read",
                () -> InputImage.read(file)));
  }

  @ParameterizedTest
  @CsvSource({"png", "jpeg", "gif", "bmp", "tiff"})
  void theLimitCanBeChosen(String format) throws IOException {
    byte[] bytes = PictureFiles.write(format, PictureFiles.pattern(37, 23));
    Path file = directory.resolve("in");
    Files.write(file, bytes);
    assertEquals(37, InputImage.read(file, 37 * 23).width());
    assertMessage("37x23 are 851, but at most 850", () -> InputImage.read(file, 37 * 23 - 1));
    assertMessage("at most 1 are read", () -> InputImage.decode(bytes, 1));
  }

  @Test
  void theLimitIsChecked() {
    for (long limit : new long[] {0, -1, InputImage.LARGEST_MAX_PIXELS + 1}) {
      String found =
          assertThrows(InvalidRequestException.class, () -> InputImage.decode(new byte[1], limit))
              .getMessage();
      assertTrue(found.contains("maxPixels must be between 1 and 268435456"), found);
    }
  }

  @Test
  void aPictureOfNoSizeIsRefused() {
    byte[] file =
        PictureFiles.png(
            PictureFiles.header(0, 10, 8, TRUECOLOUR),
            PictureFiles.chunk("IDAT", deflated(new byte[10])),
            PictureFiles.chunk("IEND", new byte[0]));
    assertMessage("Image width <= 0", () -> InputImage.decode(file));
  }

  @Test
  void aPictureTooLongForItsWidthIsRefused() {
    byte[] line = PictureFiles.write("png", PictureFiles.pattern(1, 10_000));
    assertMessage(
        "the picture is too long for its width: one side of 1x10000 may be at most 100 times",
        () -> InputImage.decode(line));
    assertEquals(200, InputImage.ofGray(200, 2, new byte[400]).width());
    assertMessage("too long", () -> InputImage.ofGray(201, 2, new byte[402]));
    assertMessage("too long", () -> InputImage.of(PictureFiles.pattern(101, 1)));
  }

  @Test
  void otherColoursThanGreyAndRgbAreRefused() throws IOException {
    byte[] file = fourChannelJpeg();
    String message = refusal(() -> InputImage.decode(file));
    assertTrue(
        message.contains("CMYK") || message.contains("must be grey or RGB, but its colours are"),
        message);
    assertTrue(message.contains("save it as RGB"), message);
  }

  /** As programs for print write them. */
  private static byte[] fourChannelJpeg() throws IOException {
    WritableRaster raster = Raster.createInterleavedRaster(DataBuffer.TYPE_BYTE, 16, 16, 4, null);
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      writer.setOutput(out);
      writer.write(null, new IIOImage(raster, null, null), null);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  @Test
  void aPictureAboveTheHeapIsSaidSo() {
    int side = 1 << 14; // 2 GiB of samples, while tests run with a heap of 1 GiB
    byte[] file =
        PictureFiles.png(
            PictureFiles.header(side, side, 16, TRUECOLOUR_WITH_ALPHA),
            PictureFiles.chunk("IDAT", deflated(new byte[100])),
            PictureFiles.chunk("IEND", new byte[0]));
    String found =
        assertThrows(
                InsufficientMemoryException.class,
                () -> InputImage.decode(file, InputImage.LARGEST_MAX_PIXELS))
            .getMessage();
    assertTrue(found.contains("too large for the Java heap"), found);
  }

  private static byte[] deflated(byte[] data) {
    Deflater deflater = new Deflater();
    deflater.setInput(data);
    deflater.finish();
    byte[] buffer = new byte[data.length + 100];
    int length = deflater.deflate(buffer);
    deflater.end();
    return Arrays.copyOf(buffer, length);
  }

  private Path file(String name, String text) throws IOException {
    return Files.write(directory.resolve(name), text.getBytes(StandardCharsets.UTF_8));
  }

  private static String refusal(Executable executable) {
    return assertThrows(InputImageException.class, executable).getMessage();
  }

  private static void assertMessage(String message, Executable executable) {
    String found = refusal(executable);
    assertTrue(found.contains(message), found);
  }
}
