package dev.blip3o.cli;

import dev.blip3o.Compute;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Parses the compute type. */
final class ComputeConverter implements ITypeConverter<Compute> {
  @Override
  public Compute convert(String word) {
    return switch (word.toLowerCase(Locale.ROOT)) {
      case "auto" -> Compute.AUTO;
      case "f32" -> Compute.F32;
      case "bf16" -> Compute.BF16;
      default -> throw new TypeConversionException("'" + word + "' is none of auto, f32 and bf16");
    };
  }
}
