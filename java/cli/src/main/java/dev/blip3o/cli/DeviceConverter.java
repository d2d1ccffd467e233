package dev.blip3o.cli;

import dev.blip3o.Device;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Parses the device. */
final class DeviceConverter implements ITypeConverter<Device> {
  @Override
  public Device convert(String word) {
    return switch (word.toLowerCase(Locale.ROOT)) {
      case "auto" -> Device.AUTO;
      case "cpu" -> Device.CPU;
      case "cuda" -> Device.CUDA;
      default -> throw new TypeConversionException("'" + word + "' is none of auto, cpu and cuda");
    };
  }
}
