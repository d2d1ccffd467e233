package dev.blip3o.internal;

import com.drew.imaging.ImageProcessingException;
import com.drew.imaging.jpeg.JpegMetadataReader;
import com.drew.imaging.tiff.TiffReader;
import com.drew.lang.ByteArrayReader;
import com.drew.metadata.Metadata;
import com.drew.metadata.exif.ExifIFD0Directory;
import com.drew.metadata.exif.ExifReader;
import com.drew.metadata.exif.ExifTiffHandler;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.List;

/** The EXIF orientation of a picture file. */
final class Orientation {
  private static final int AS_STORED = 1;

  private Orientation() {}

  /**
   * The orientation in a JPEG's or PNG's EXIF data or a TIFF's first directory, {@code [1, 8]}; 1
   * where there is none, or none that can be read: a picture is not refused for what is written
   * beside it.
   */
  static int of(byte[] file) {
    try {
      Metadata metadata = metadata(file);
      ExifIFD0Directory directory = metadata.getFirstDirectoryOfType(ExifIFD0Directory.class);
      Integer orientation =
          directory == null ? null : directory.getInteger(ExifIFD0Directory.TAG_ORIENTATION);
      return orientation == null ? AS_STORED : orientation;
    } catch (ImageProcessingException | IOException | RuntimeException e) {
      return AS_STORED;
    }
  }

  private static Metadata metadata(byte[] file) throws ImageProcessingException, IOException {
    if (PngChunks.isPng(file)) {
      return png(file);
    }
    return isTiff(file) ? tiff(file) : jpeg(file);
  }

  /** Whether a file begins with a byte order, as TIFF does; EXIF data have its layout. */
  private static boolean isTiff(byte[] file) {
    return file.length > 1 && file[0] == file[1] && (file[0] == 'I' || file[0] == 'M');
  }

  private static Metadata jpeg(byte[] file) throws ImageProcessingException, IOException {
    return JpegMetadataReader.readMetadata(
        new ByteArrayInputStream(file), List.of(new ExifReader()));
  }

  private static Metadata png(byte[] file) throws ImageProcessingException, IOException {
    Metadata metadata = new Metadata();
    for (PngChunks.Chunk chunk : PngChunks.read(new ByteArrayInputStream(file), "eXIf")) {
      read(chunk.data(), metadata);
    }
    return metadata;
  }

  private static Metadata tiff(byte[] file) throws ImageProcessingException, IOException {
    Metadata metadata = new Metadata();
    read(file, metadata);
    return metadata;
  }

  private static void read(byte[] tiff, Metadata metadata)
      throws ImageProcessingException, IOException {
    new TiffReader()
        .processTiff(new ByteArrayReader(tiff), new ExifTiffHandler(metadata, null, 0), 0);
  }
}
