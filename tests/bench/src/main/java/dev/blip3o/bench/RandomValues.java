package dev.blip3o.bench;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Fills buffers with BF16 values. Normal values come from tables of 65,536 draws, picked by 16
 * random bits each: billions of values take seconds, and the distribution is what a benchmark
 * needs.
 */
final class RandomValues {
  private static final int TABLE_SIZE = 1 << 16;
  private static final double SMALL_DEVIATION = 0.02;

  private final Map<Double, short[]> tables = new HashMap<>();
  private final long seed;

  RandomValues(long seed) {
    this.seed = seed;
  }

  /**
   * The values of one tensor: equal seed and index give equal values whatever else is written.
   *
   * @param index the tensor's place in the checkpoint
   */
  Source source(CheckpointTensors.Spec spec, int index) {
    return switch (spec.fill()) {
      case ONE -> new Source(null, null);
      case SMALL -> new Source(table(SMALL_DEVIATION), random(index));
      case WEIGHT -> new Source(table(1 / Math.sqrt(spec.fanIn())), random(index));
    };
  }

  private SplittableRandom random(int index) {
    return new SplittableRandom(seed * 1_000_003L + index);
  }

  private short[] table(double deviation) {
    return tables.computeIfAbsent(
        deviation,
        d -> {
          SplittableRandom random = new SplittableRandom(seed);
          short[] table = new short[TABLE_SIZE];
          for (int i = 0; i < TABLE_SIZE; i++) {
            table[i] = toBf16((float) (random.nextGaussian() * d));
          }
          return table;
        });
  }

  /** The nearest BF16, ties to even. */
  static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
  }

  /** An endless row of values. */
  static final class Source {
    private static final short ONE = toBf16(1);

    private final short[] table;
    private final SplittableRandom random;

    private Source(short[] table, SplittableRandom random) {
      this.table = table;
      this.random = random;
    }

    /** Appends {@code count} little-endian values to {@code out}. */
    void fill(ByteBuffer out, int count) {
      if (table == null) {
        for (int i = 0; i < count; i++) {
          out.putShort(ONE);
        }
        return;
      }
      int i = 0;
      for (; i + 4 <= count; i += 4) {
        long bits = random.nextLong();
        out.putLong(
            word((int) bits)
                | word((int) (bits >>> 16)) << 16
                | word((int) (bits >>> 32)) << 32
                | word((int) (bits >>> 48)) << 48);
      }
      for (; i < count; i++) {
        out.putShort(table[random.nextInt(TABLE_SIZE)]);
      }
    }

    private long word(int bits) {
      return table[bits & (TABLE_SIZE - 1)] & 0xFFFFL;
    }
  }
}
