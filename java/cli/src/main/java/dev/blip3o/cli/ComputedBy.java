package dev.blip3o.cli;

import dev.blip3o.Blip3oModel;
import dev.blip3o.Device;
import dev.blip3o.ModelInfo;
import java.util.Locale;
import java.util.stream.Collectors;

/** What has computed a result, for reports. */
final class ComputedBy {
  private ComputedBy() {}

  /** For example {@code f32 by cpu (AVX-512), 4 threads}. */
  static String text(ModelInfo info) {
    String quantized =
        info.quantization().stream()
            .sorted()
            .map(part -> ", " + part)
            .collect(Collectors.joining());
    return info.compute().name().toLowerCase(Locale.ROOT)
        + quantized.toLowerCase(Locale.ROOT)
        + " by "
        + info.backend()
        + ", "
        + Text.plural(info.threads(), "thread")
        + fallback(info);
  }

  /** Why not a CUDA device, where this build could use one, or what that does without. */
  private static String fallback(ModelInfo info) {
    return info.deviceReason()
        .filter(reason -> Blip3oModel.hasBackend(Device.CUDA))
        .map(reason -> prefix(info.device()) + Text.oneLine(reason))
        .orElse("");
  }

  private static String prefix(Device device) {
    return device == Device.CUDA ? "; " : "; not on a CUDA device: ";
  }
}
