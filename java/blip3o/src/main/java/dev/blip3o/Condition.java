package dev.blip3o;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The condition: {@code [M, C]} F32, what the diffusion transformer attends to, and the one row
 * {@code [1, C]} that every row of the null condition equals.
 */
public final class Condition extends FloatTensor {
  private final float[] nullRow;
  private final OptionalInt references;

  private Condition(
      int rows, int captionSize, float[] values, float[] nullRow, OptionalInt references) {
    super("condition", values, rows, captionSize);
    if (nullRow != null) {
      Checks.shape("null condition", nullRow.length, 1, captionSize);
      Checks.finite("null condition", nullRow);
    }
    this.nullRow = nullRow;
    this.references = references;
  }

  /**
   * A condition with its null row.
   *
   * @param rows M
   * @param captionSize C
   * @param values {@code rows * captionSize} finite values, row by row; copied
   * @param nullRow {@code captionSize} finite values; copied
   * @throws InvalidRequestException if a size or a value is wrong
   */
  public static Condition of(int rows, int captionSize, float[] values, float[] nullRow) {
    Objects.requireNonNull(nullRow, "nullRow");
    return new Condition(rows, captionSize, values.clone(), nullRow.clone(), OptionalInt.empty());
  }

  /**
   * A condition without a null row, which can be denoised only at guidance 1.
   *
   * @param rows M
   * @param captionSize C
   * @param values {@code rows * captionSize} finite values, row by row; copied
   * @throws InvalidRequestException if a size or a value is wrong
   */
  public static Condition of(int rows, int captionSize, float[] values) {
    return new Condition(rows, captionSize, values.clone(), null, OptionalInt.empty());
  }

  /** The condition of a stage, which was made for {@code references} reference pictures. */
  static Condition owning(
      int rows, int captionSize, float[] values, float[] nullRow, int references) {
    return new Condition(rows, captionSize, values, nullRow, OptionalInt.of(references));
  }

  /** M. */
  public int rows() {
    return size(0);
  }

  /** C. */
  public int captionSize() {
    return size(1);
  }

  /** The null condition's row, {@code [1, C]}; a read-only view. Empty where there is none. */
  public Optional<FloatBuffer> nullRow() {
    return Optional.ofNullable(nullRow).map(row -> FloatBuffer.wrap(row).asReadOnlyBuffer());
  }

  /** How many reference pictures it was made for; empty where it comes from elsewhere. */
  OptionalInt references() {
    return references;
  }

  /** The null row itself, or null. */
  float[] nullArray() {
    return nullRow;
  }

  @Override
  public boolean equals(Object other) {
    return super.equals(other) && Arrays.equals(nullRow, ((Condition) other).nullRow);
  }

  @Override
  public int hashCode() {
    return 31 * super.hashCode() + Arrays.hashCode(nullRow);
  }
}
