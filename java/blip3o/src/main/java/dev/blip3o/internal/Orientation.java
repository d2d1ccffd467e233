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
   * The orientation of a JPEG's or PNG's EXIF data, {@code [1, 8]}; 1 where there is none, or none
   * that can be read: a picture is not refused for what is written beside it.
   */
  static int of(byte[] file) {
    try {
      Metadata metadata = PngChunks.isPng(file) ? png(file) : jpeg(file);
      ExifIFD0Directory directory = metadata.getFirstDirectoryOfType(ExifIFD0Directory.class);
      Integer orientation =
          directory == null ? null : directory.getInteger(ExifIFD0Directory.TAG_ORIENTATION);
      return orientation == null ? AS_STORED : orientation;
    } catch (ImageProcessingException | IOException | RuntimeException e) {
      return AS_STORED;
    }
  }

  private static Metadata jpeg(byte[] file) throws ImageProcessingException, IOException {
    return JpegMetadataReader.readMetadata(
        new ByteArrayInputStream(file), List.of(new ExifReader()));
  }

  private static Metadata png(byte[] file) throws ImageProcessingException, IOException {
    Metadata metadata = new Metadata();
    for (PngChunks.Chunk chunk : PngChunks.read(new ByteArrayInputStream(file), "eXIf")) {
      new TiffReader()
          .processTiff(
              new ByteArrayReader(chunk.data()), new ExifTiffHandler(metadata, null, 0), 0);
    }
    return metadata;
  }
}
