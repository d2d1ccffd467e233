package dev.blip3o.cli;

import dev.blip3o.Quantization;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Parses a part that is kept in 8 bits. */
final class QuantizationConverter implements ITypeConverter<Quantization> {
  @Override
  public Quantization convert(String word) {
    return switch (word.toLowerCase(Locale.ROOT)) {
      case "int8" -> Quantization.INT8_LANGUAGE;
      case "e4m3" -> Quantization.E4M3_DIFFUSION;
      default -> throw new TypeConversionException("'" + word + "' is none of int8 and e4m3");
    };
  }
}
