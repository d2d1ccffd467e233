package dev.blip3o;

import java.nio.FloatBuffer;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The condition: {@code [M, C]} F32, what the diffusion transformer attends to, and the one row
 * {@code [1, C]} that every row of the null condition equals.
 */
public final class Condition extends FloatTensor {
  private static final String NAME = "condition";
  private static final String NULL_NAME = "null condition";

  private final FloatBuffer nullRow;
  private final OptionalInt references;

  private Condition(
      int rows, int captionSize, FloatBuffer values, FloatBuffer nullRow, OptionalInt references) {
    super(NAME, values, rows, captionSize);
    if (nullRow != null) {
      Checks.shape(NULL_NAME, nullRow.limit(), 1, captionSize);
      Checks.finite(NULL_NAME, nullRow);
    }
    this.nullRow = nullRow == null ? null : nullRow.asReadOnlyBuffer();
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
    return new Condition(rows, captionSize, copy(values), copy(nullRow), OptionalInt.empty());
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
    return new Condition(rows, captionSize, copy(values), null, OptionalInt.empty());
  }

  /**
   * A condition with its null row in memory of the caller's, without a copy.
   *
   * @param rows M
   * @param captionSize C
   * @param values {@code rows * captionSize} finite values, row by row, from its position to its
   *     limit: a direct buffer in native order, aligned to 4 bytes. Nobody may change or free the
   *     memory while the value, or a buffer of {@link #values}, is in use
   * @param nullRow {@code captionSize} finite values, in memory of the same kind
   * @param owner is kept reachable as long: what frees the memory when it is collected, where that
   *     is not the buffer itself, which is kept too
   * @throws InvalidRequestException if a size or a value is wrong, or the buffer can't be shared
   * @throws NativeLibraryException if the native library is missing
   */
  public static Condition sharing(
      int rows, int captionSize, FloatBuffer values, FloatBuffer nullRow, Object owner) {
    Objects.requireNonNull(nullRow, "nullRow");
    return new Condition(
        rows,
        captionSize,
        share(NAME, values, owner, rows, captionSize),
        share(NULL_NAME, nullRow, owner, 1, captionSize),
        OptionalInt.empty());
  }

  /**
   * {@link #sharing(int, int, FloatBuffer, FloatBuffer, Object)} without a null row: to be denoised
   * only at guidance 1.
   */
  public static Condition sharing(int rows, int captionSize, FloatBuffer values, Object owner) {
    return new Condition(
        rows,
        captionSize,
        share(NAME, values, owner, rows, captionSize),
        null,
        OptionalInt.empty());
  }

  /** The condition of a stage, which was made for {@code references} reference pictures. */
  static Condition owning(
      int rows, int captionSize, FloatBuffer values, FloatBuffer nullRow, int references) {
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

  /**
   * The null condition's row, {@code [1, C]}: a read-only direct buffer in native order, without a
   * copy. Empty where there is none.
   */
  public Optional<FloatBuffer> nullRow() {
    return Optional.ofNullable(nullRow).map(FloatBuffer::duplicate);
  }

  /** How many reference pictures it was made for; empty where it comes from elsewhere. */
  OptionalInt references() {
    return references;
  }

  @Override
  public boolean equals(Object other) {
    return super.equals(other) && sameRow(((Condition) other).nullRow);
  }

  private boolean sameRow(FloatBuffer other) {
    return nullRow == null || other == null ? nullRow == other : equal(nullRow, other);
  }

  @Override
  public int hashCode() {
    return 31 * super.hashCode() + (nullRow == null ? 0 : hash(nullRow));
  }
}
