package dev.blip3o.torch;

import dev.blip3o.NativeLibraryException;

/** Loads LibTorch twice, and prints what came of it each time. */
final class LoadingProgram {
  private LoadingProgram() {}

  /** Takes no arguments. */
  public static void main(String[] arguments) {
    load();
    load();
  }

  private static void load() {
    try {
      LibTorch.load();
      System.out.println("loaded");
    } catch (NativeLibraryException e) {
      System.out.println(e.getMessage());
    }
  }
}
