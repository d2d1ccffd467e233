package dev.blip3o.training.rewards;

import java.awt.image.BufferedImage;

/** Reads the text in a picture. One thread calls it at a time. */
public interface TextReader extends AutoCloseable {
  /** The text, in any order of its lines; empty where there is none. */
  String read(BufferedImage picture);

  /** Gives back what it holds. May be repeated. */
  @Override
  default void close() {}
}
