package dev.blip3o.cli.training;

import dev.blip3o.Device;
import dev.blip3o.ModelOptions;
import dev.blip3o.cli.UsageException;

/** Where a model that is trained draws its pictures. */
final class TrainingDevice {
  private TrainingDevice() {}

  /**
   * The options with the device of training: weights can be replaced on the CPU only.
   *
   * @throws UsageException if they ask for another
   */
  static ModelOptions of(ModelOptions options) {
    if (options.device() == Device.CUDA) {
      throw new UsageException(
          "--device cuda: weights that are learnt can be drawn with on the CPU only; leave"
              + " --device out");
    }
    return options.toBuilder().device(Device.CPU).build();
  }
}
