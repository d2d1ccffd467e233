package dev.blip3o.cli;

import dev.blip3o.InputImage;
import dev.blip3o.InputImageException;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Option;

/** How pictures are read: what the commands that take them share. */
final class InputArguments {
  private static final String LIMIT = "raise the limit";

  @Option(
      names = "--max-pixels",
      paramLabel = "N",
      defaultValue = "" + InputImage.MAX_PIXELS,
      description =
          "Refuse pictures of more pixels, before anything of them is decoded. Default:"
              + " ${DEFAULT-VALUE}, 64 megapixels.")
  private long maxPixels;

  /**
   * Reads a picture.
   *
   * @throws InputImageException if it can't be used; the message names the file
   */
  InputImage read(Path file) {
    try {
      return Requests.named(() -> InputImage.read(file, maxPixels));
    } catch (InputImageException e) {
      String message = e.getMessage();
      if (message.endsWith(LIMIT)) {
        throw new InputImageException(message + " with --max-pixels", e);
      }
      throw e;
    }
  }

  /**
   * Reads a mask.
   *
   * @param picture what it belongs to, read from {@code pictureFile}
   * @throws UsageException if it has another size
   */
  InputImage readMask(Path file, InputImage picture, Path pictureFile) {
    InputImage mask = read(file);
    if (mask.width() != picture.width() || mask.height() != picture.height()) {
      throw new UsageException(
          String.format(
              Locale.ROOT,
              "%s: the mask must have the size of %s as it is seen, after its EXIF orientation:"
                  + " %dx%d, but is %dx%d; resize it",
              file,
              pictureFile,
              picture.width(),
              picture.height(),
              mask.width(),
              mask.height()));
    }
    return mask;
  }
}
