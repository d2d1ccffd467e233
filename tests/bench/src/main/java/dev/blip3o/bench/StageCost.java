package dev.blip3o.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * What a stage of the model costs: its operations, each with its flops and the bytes that it reads
 * and writes. Every value has two bytes (BF16). A multiply-add is two flops; norms, activations and
 * additions count as bytes alone.
 */
final class StageCost {
  private static final int VALUE_BYTES = 2;

  private record Operation(long flops, long bytes) {}

  private final List<Operation> operations = new ArrayList<>();
  private long neededBytes;

  /** [rows, inputs] · [inputs, outputs]. */
  StageCost product(long rows, long inputs, long outputs) {
    return weighted(2 * rows * inputs * outputs, inputs * outputs, rows * inputs, rows * outputs);
  }

  /** A product whose result is added to what is there. */
  StageCost addedProduct(long rows, long inputs, long outputs) {
    return weighted(
        2 * rows * inputs * outputs, inputs * outputs, rows * (inputs + outputs), rows * outputs);
  }

  /**
   * An operation with weights, or on what earlier stages stored.
   *
   * @param weights values that have to be read in any case
   * @param read values of this stage that it reads
   * @param written values
   */
  StageCost weighted(long flops, long weights, long read, long written) {
    neededBytes += VALUE_BYTES * weights;
    operations.add(new Operation(flops, VALUE_BYTES * (weights + read + written)));
    return this;
  }

  /** An operation on this stage's own values. */
  StageCost plain(long flops, long read, long written) {
    return weighted(flops, 0, read, written);
  }

  /** All operations of another stage, {@code times} times. */
  StageCost add(StageCost other, int times) {
    for (int i = 0; i < times; i++) {
      operations.addAll(other.operations);
    }
    neededBytes += times * other.neededBytes;
    return this;
  }

  long flops() {
    return operations.stream().mapToLong(Operation::flops).sum();
  }

  /** What is read even if all operations are one: weights, and what earlier stages stored. */
  long neededBytes() {
    return neededBytes;
  }

  /** What is moved if each operation reads its operands from memory and writes its result there. */
  long movedBytes() {
    return operations.stream().mapToLong(Operation::bytes).sum();
  }

  /** The least time if all operations are one. */
  double least(Device device) {
    return device.seconds(neededBytes, flops());
  }

  /** The least time if one operation follows the other. */
  double oneByOne(Device device) {
    return operations.stream().mapToDouble(o -> device.seconds(o.bytes(), o.flops())).sum();
  }
}
