package dev.blip3o.service;

import java.util.Arrays;
import java.util.Random;

/** What chance does to bytes. */
final class Damage {
  private static final int MOST = 6;

  private Damage() {}

  /** Some bytes changed, a piece cut out, a piece doubled, or the end cut off. */
  static byte[] bytes(Random random, byte[] whole) {
    if (whole.length == 0) {
      return whole;
    }
    int from = random.nextInt(whole.length);
    int to = from + random.nextInt(whole.length - from + 1);
    return switch (random.nextInt(4)) {
      case 0 -> flipped(random, whole);
      case 1 -> join(Arrays.copyOf(whole, from), Arrays.copyOfRange(whole, to, whole.length));
      case 2 -> join(Arrays.copyOf(whole, to), Arrays.copyOfRange(whole, from, whole.length));
      default -> Arrays.copyOf(whole, from);
    };
  }

  private static byte[] flipped(Random random, byte[] whole) {
    byte[] bytes = whole.clone();
    int count = 1 + random.nextInt(MOST);
    for (int i = 0; i < count; i++) {
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
    }
    return bytes;
  }

  private static byte[] join(byte[] first, byte[] second) {
    byte[] all = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, all, first.length, second.length);
    return all;
  }
}
