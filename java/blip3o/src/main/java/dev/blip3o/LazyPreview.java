package dev.blip3o;

import dev.blip3o.internal.JobEvent;
import dev.blip3o.internal.PngEncoder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.function.Supplier;

/** A preview whose PNG is made once, by the first thread that wants it. */
final class LazyPreview implements Supplier<PictureEvent.Preview> {
  private JobEvent.Preview pixels;
  private PictureEvent.Preview preview;

  LazyPreview(JobEvent.Preview pixels) {
    this.pixels = pixels;
  }

  @Override
  public synchronized PictureEvent.Preview get() {
    if (preview == null) {
      preview =
          new PictureEvent.Preview(
              pixels.index(), pixels.count(), pixels.width(), pixels.height(), png(pixels));
      pixels = null;
    }
    return preview;
  }

  private static byte[] png(JobEvent.Preview pixels) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      PngEncoder.write(bytes, pixels.width(), pixels.height(), pixels.rgb(), Map.of());
    } catch (IOException e) {
      throw new UncheckedIOException(e); // Not from an array.
    }
    return bytes.toByteArray();
  }
}
