package dev.blip3o.spring;

import dev.blip3o.Compute;
import dev.blip3o.Device;
import dev.blip3o.ModelOptions;
import dev.blip3o.Quantization;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.NestedConfigurationProperty;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * The properties {@code blip3o.*}. A value out of its range is an error that names its property.
 *
 * @param enabled Whether there are beans of blip3o at all.
 * @param model Directory of the checkpoint, in the layout of save_pretrained. Needed, unless there
 *     is a bean of type Blip3oModel.
 * @param diffusionDirectory Directory of the diffusers model, where it is not the one that the
 *     checkpoint's config.json names.
 * @param device What computes.
 * @param compute Type in which products are computed.
 * @param quantization What is kept in 8 bits; nothing by default.
 * @param threads Worker threads, 0 to 1024; 0 is one for each processor.
 * @param memoryLimit Limit of the memory for everything but mapped weights; 0 is what the machine
 *     has free.
 * @param queueLimit How many pictures may wait to be started, 0 to 1048576; 0 is 256.
 * @param latencyTarget How long a picture that is drawn may wait while the prompts of others are
 *     computed, up to an hour; 0 is 200 ms.
 * @param shutdownTimeout How long the end of the application waits for pictures under way; those
 *     that are not finished then are cancelled.
 * @param image What holds for prompts to the ImageModel whose options don't say otherwise.
 */
@ConfigurationProperties("blip3o")
public record Blip3oProperties(
    @DefaultValue("true") boolean enabled,
    Path model,
    Path diffusionDirectory,
    @DefaultValue("auto") Device device,
    @DefaultValue("auto") Compute compute,
    @DefaultValue Set<Quantization> quantization,
    @DefaultValue("0") int threads,
    @DefaultValue("0B") DataSize memoryLimit,
    @DefaultValue("0") int queueLimit,
    @DefaultValue("0ms") Duration latencyTarget,
    @DefaultValue("30s") Duration shutdownTimeout,
    @DefaultValue @NestedConfigurationProperty ImageProperties image) {

  /**
   * Checks the ranges.
   *
   * @throws
   *     org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException
   *     if a value is out of its range
   */
  public Blip3oProperties {
    Objects.requireNonNull(device, "device");
    Objects.requireNonNull(compute, "compute");
    Objects.requireNonNull(image, "image");
    quantization = Set.copyOf(quantization);
    PropertyChecks.range("blip3o.threads", threads, 0, ModelOptions.MAX_THREADS);
    PropertyChecks.notNegative("blip3o.memory-limit", memoryLimit);
    PropertyChecks.range("blip3o.queue-limit", queueLimit, 0, ModelOptions.MAX_QUEUE_LIMIT);
    PropertyChecks.range(
        "blip3o.latency-target", latencyTarget, Duration.ZERO, ModelOptions.MAX_LATENCY_TARGET);
    PropertyChecks.notNegative("blip3o.shutdown-timeout", shutdownTimeout);
  }

  /** How these properties open a model. */
  ModelOptions modelOptions() {
    return ModelOptions.builder()
        .diffusionDirectory(diffusionDirectory)
        .device(device)
        .compute(compute)
        .quantization(quantization.toArray(Quantization[]::new))
        .threads(threads)
        .memoryLimitBytes(memoryLimit.toBytes())
        .queueLimit(queueLimit)
        .latencyTarget(latencyTarget)
        .build();
  }
}
