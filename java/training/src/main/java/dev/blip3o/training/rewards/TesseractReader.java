package dev.blip3o.training.rewards;

import java.awt.image.BufferedImage;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.tesseract.TessBaseAPI;

/**
 * Tesseract, through its JavaCPP preset, which is loaded when the first reader is opened and must
 * be on the class path: {@code org.bytedeco:tesseract} and {@code org.bytedeco:leptonica}, both
 * with the platform's classifier too.
 */
public final class TesseractReader implements TextReader {
  /** Where distributions put language data. */
  private static final List<Path> FOLDERS =
      List.of(
          Path.of("/usr/share/tesseract-ocr/5/tessdata"),
          Path.of("/usr/share/tesseract-ocr/4.00/tessdata"),
          Path.of("/usr/share/tesseract/tessdata"),
          Path.of("/usr/share/tessdata"));

  /** Text anywhere in a picture, not a page of it: {@code PSM_SPARSE_TEXT}. */
  private static final int SPARSE_TEXT = 11;

  /** Said of pictures, which have no resolution; without one Tesseract guesses aloud. */
  private static final int DOTS_PER_INCH = 300;

  private final TessBaseAPI tesseract;
  private boolean closed;

  private TesseractReader(TessBaseAPI tesseract) {
    this.tesseract = tesseract;
  }

  /**
   * A reader with the language data of the system.
   *
   * @param language Tesseract's name of it, for example {@code "eng"}
   * @throws RewardContractException if the data or the library is not installed
   */
  public static TesseractReader open(String language) {
    return FOLDERS.stream()
        .filter(folder -> Files.isRegularFile(data(folder, language)))
        .findFirst()
        .map(folder -> open(folder, language))
        .orElseThrow(
            () ->
                new RewardContractException(
                    "the reward 'ocr' needs Tesseract's language data: expected "
                        + data(Path.of(""), language)
                        + " in one of "
                        + FOLDERS
                        + ", but found none; on Debian: apt-get install tesseract-ocr-"
                        + language));
  }

  /**
   * A reader with language data from elsewhere.
   *
   * @param folder holds {@code language.traineddata}
   * @param language Tesseract's name of it
   * @throws RewardContractException if the data or the library is not installed
   */
  public static TesseractReader open(Path folder, String language) {
    if (!Files.isRegularFile(data(folder, language))) {
      throw new RewardContractException(
          "the reward 'ocr' needs Tesseract's language data: expected "
              + data(folder, language)
              + ", but there is no such file; on Debian: apt-get install tesseract-ocr-"
              + language);
    }
    TessBaseAPI tesseract = create();
    // Its warnings would go to the program's standard error.
    tesseract.SetVariable("debug_file", "/dev/null");
    if (tesseract.Init(folder.toString(), language) != 0) {
      tesseract.close();
      throw new RewardContractException(
          "the reward 'ocr': Tesseract can't use " + data(folder, language));
    }
    tesseract.SetPageSegMode(SPARSE_TEXT);
    return new TesseractReader(tesseract);
  }

  private static Path data(Path folder, String language) {
    return folder.resolve(language + ".traineddata");
  }

  private static TessBaseAPI create() {
    try {
      return new TessBaseAPI();
    } catch (LinkageError e) {
      throw new RewardContractException(
          "the reward 'ocr' needs org.bytedeco:tesseract and org.bytedeco:leptonica on the class"
              + " path, each with the platform's classifier too, but they can't be loaded: "
              + e.getMessage(),
          e);
    }
  }

  @Override
  public synchronized String read(BufferedImage picture) {
    if (closed) {
      throw new RewardException("the reward 'ocr' has been closed");
    }
    int width = picture.getWidth();
    int height = picture.getHeight();
    tesseract.SetImage(rgb(picture), width, height, 3, 3 * width);
    tesseract.SetSourceResolution(DOTS_PER_INCH);
    try (BytePointer text = tesseract.GetUTF8Text()) {
      return text == null ? "" : text.getString(StandardCharsets.UTF_8);
    } finally {
      tesseract.Clear();
    }
  }

  private static byte[] rgb(BufferedImage picture) {
    int width = picture.getWidth();
    int height = picture.getHeight();
    int[] pixels = picture.getRGB(0, 0, width, height, null, 0, width);
    byte[] rgb = new byte[3 * pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      rgb[3 * i] = (byte) (pixels[i] >> 16);
      rgb[3 * i + 1] = (byte) (pixels[i] >> 8);
      rgb[3 * i + 2] = (byte) pixels[i];
    }
    return rgb;
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      tesseract.End();
      tesseract.close();
    }
  }
}
