package dev.blip3o.cli;

import dev.blip3o.Blip3oModel;
import dev.blip3o.NativeLibraryException;
import picocli.CommandLine.IVersionProvider;

/** What {@code --version} prints. */
public final class Version implements IVersionProvider {
  @Override
  public String[] getVersion() {
    return new String[] {
      "blip3o " + runtime(),
      "Java " + System.getProperty("java.version") + " (" + System.getProperty("java.vendor") + ")",
      System.getProperty("os.name") + " " + System.getProperty("os.arch")
    };
  }

  private static String runtime() {
    try {
      return Blip3oModel.version();
    } catch (NativeLibraryException e) {
      return "without its runtime: " + e.getMessage();
    }
  }
}
