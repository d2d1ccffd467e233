package dev.blip3o.cli;

import dev.blip3o.Device;
import dev.blip3o.ModelOptions;
import dev.blip3o.Quantization;
import java.util.List;
import picocli.CommandLine.Option;

/** On what a checkpoint runs, and what of it is kept in 8 bits. */
final class DeviceArguments {
  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      converter = DeviceConverter.class,
      description =
          "auto, cpu or cuda. auto, the default: cuda where this build has it and the machine a"
              + " device for it.")
  private Device device;

  @Option(
      names = "--quantize",
      paramLabel = "PARTS",
      split = ",",
      converter = QuantizationConverter.class,
      description =
          "Keep parts in 8 bits, smaller and faster but not exact: int8 (the language model), e4m3"
              + " (the diffusion transformer, on a CUDA device) or int8,e4m3. Default: none.")
  private List<Quantization> quantized = List.of();

  /** Whether a device was named, auto included. */
  boolean named() {
    return device != null;
  }

  /** Sets what was given. */
  ModelOptions.Builder apply(ModelOptions.Builder options) {
    return options
        .device(named() ? device : Device.AUTO)
        .quantization(quantized.toArray(Quantization[]::new));
  }
}
