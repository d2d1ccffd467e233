package dev.blip3o.torch;

import dev.blip3o.NativeLibraryException;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch;

/** Loads LibTorch, once. Safe for use by any thread. */
public final class LibTorch {
  private LibTorch() {}

  /**
   * Loads the library on the first call, which takes seconds.
   *
   * @throws NativeLibraryException if it is missing or does not load
   */
  public static void load() {
    // JavaCPP would refuse to allocate once weights raise the resident set above 4 heaps.
    unlimited("org.bytedeco.javacpp.maxphysicalbytes", "org.bytedeco.javacpp.maxPhysicalBytes");
    unlimited("org.bytedeco.javacpp.maxbytes", "org.bytedeco.javacpp.maxBytes");
    try {
      Loader.load(torch.class);
    } catch (LinkageError e) {
      throw new NativeLibraryException(
          "LibTorch for "
              + System.getProperty("os.name")
              + " "
              + System.getProperty("os.arch")
              + " can't be loaded ("
              + e.getMessage()
              + "); put the artifacts org.bytedeco:pytorch and org.bytedeco:openblas with this"
              + " platform's classifier, for example linux-x86_64, on the class path",
          e);
    }
  }

  private static void unlimited(String lowerCase, String camelCase) {
    if (System.getProperty(lowerCase) == null && System.getProperty(camelCase) == null) {
      System.setProperty(camelCase, "0");
    }
  }
}
