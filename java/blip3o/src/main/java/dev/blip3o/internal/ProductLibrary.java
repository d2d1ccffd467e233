package dev.blip3o.internal;

import java.io.File;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.URL;
import java.nio.file.Path;
import java.util.Optional;
import org.bytedeco.javacpp.Loader;

/**
 * NVIDIA's library of large products, where a jar on the class path holds it: those of JavaCPP's
 * CUDA presets with a {@code redist} classifier do. The CUDA backend computes without it too, only
 * slower.
 */
final class ProductLibrary {
  private static final System.Logger LOG = System.getLogger("dev.blip3o");

  /** Where JavaCPP's jars hold it. It needs no other library of theirs. */
  static final String RESOURCE = "org/bytedeco/cuda/linux-x86_64/libcublasLt.so.13";

  private ProductLibrary() {}

  /** The folder that it was unpacked into; empty where no jar has it. */
  static Optional<Path> directory(ClassLoader loader) {
    URL resource = loader.getResource(RESOURCE);
    if (resource == null) {
      return Optional.empty();
    }
    try {
      return Optional.ofNullable(Loader.cacheResource(resource))
          .map(File::toPath)
          .map(Path::getParent);
    } catch (IOException | RuntimeException e) {
      LOG.log(
          Level.WARNING,
          () -> resource + " can't be unpacked: the CUDA backend does without it",
          e);
      return Optional.empty();
    }
  }
}
