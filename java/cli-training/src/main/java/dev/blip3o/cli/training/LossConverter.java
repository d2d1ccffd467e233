package dev.blip3o.cli.training;

import dev.blip3o.training.grpo.LossVariant;
import java.util.Arrays;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Parses the variant of the loss. */
final class LossConverter implements ITypeConverter<LossVariant> {
  @Override
  public LossVariant convert(String word) {
    return Arrays.stream(LossVariant.values())
        .filter(variant -> variant.word().equals(word.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(
            () -> new TypeConversionException("'" + word + "' is none of grpo, bnpo and dr_grpo"));
  }
}
