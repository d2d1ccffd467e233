package dev.blip3o.internal;

import dev.blip3o.NativeLibraryException;
import dev.blip3o.bindings.Blip3o;
import org.bytedeco.javacpp.Loader;

/** Loads the native library, once, before anything touches the bindings. */
final class NativeLibrary {
  private NativeLibrary() {}

  /**
   * Loads the library on the first call.
   *
   * @throws NativeLibraryException if it is missing or does not load
   */
  static void load() {
    // JavaCPP would refuse to allocate once mapped weights raise the resident set above 4 heaps.
    unlimited("org.bytedeco.javacpp.maxphysicalbytes", "org.bytedeco.javacpp.maxPhysicalBytes");
    unlimited("org.bytedeco.javacpp.maxbytes", "org.bytedeco.javacpp.maxBytes");
    try {
      Loader.load(Blip3o.class);
    } catch (LinkageError e) {
      String platform = System.getProperty("os.name") + " " + System.getProperty("os.arch");
      throw new NativeLibraryException(
          "the native library for "
              + platform
              + " can't be loaded ("
              + e.getMessage()
              + "); put the artifact dev.blip3o:blip3o-native with this platform's classifier, for"
              + " example linux-x86_64, on the class path",
          e);
    }
  }

  private static void unlimited(String lowerCase, String camelCase) {
    if (System.getProperty(lowerCase) == null && System.getProperty(camelCase) == null) {
      System.setProperty(camelCase, "0");
    }
  }
}
