package dev.blip3o.cli.training;

import dev.blip3o.training.rewards.RewardSpec;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Parses a reward. */
final class RewardConverter implements ITypeConverter<RewardSpec> {
  @Override
  public RewardSpec convert(String word) {
    try {
      return RewardSpec.parse(word);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException("'" + word + "' is no reward: " + e.getMessage());
    }
  }
}
