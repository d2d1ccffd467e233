package dev.blip3o.springai;

import dev.blip3o.EditRequest;
import dev.blip3o.ImageRequest;
import dev.blip3o.InputImage;
import dev.blip3o.PictureRequest;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.springframework.ai.image.ImageOptions;

/**
 * What a prompt asks of the model beyond its text. With reference pictures it asks for an edit.
 *
 * <p>Immutable, so safe for use by any thread. Values are checked when the picture is asked for.
 */
public final class Blip3oImageOptions implements ImageOptions {
  private final Integer count;
  private final List<InputImage> references;
  private final InputImage mask;
  private final Consumer<PictureRequest.Builder<?>> settings;

  private Blip3oImageOptions(Builder builder) {
    this.count = builder.count;
    this.references = List.copyOf(builder.references);
    this.mask = builder.mask;
    this.settings = builder.settings;
  }

  /** Options that leave all to the model until they are set. */
  public static Builder builder() {
    return new Builder();
  }

  /** The pictures to edit; empty for a picture from the prompt alone. */
  public List<InputImage> references() {
    return references;
  }

  /** Where the first reference picture may change, if not everywhere. */
  public Optional<InputImage> mask() {
    return Optional.ofNullable(mask);
  }

  /** How many pictures; null for one. */
  @Override
  public Integer getN() {
    return count;
  }

  /** Null: the model is the one that was opened. */
  @Override
  public String getModel() {
    return null;
  }

  /** Null: the checkpoint knows the size of its pictures. */
  @Override
  public Integer getWidth() {
    return null;
  }

  /** Null: the checkpoint knows the size of its pictures. */
  @Override
  public Integer getHeight() {
    return null;
  }

  /** Always {@code b64_json}. */
  @Override
  public String getResponseFormat() {
    return "b64_json";
  }

  /** Null: the style is the prompt's. */
  @Override
  public String getStyle() {
    return null;
  }

  /** The request that a prompt with these options makes. */
  PictureRequest request(String prompt) {
    PictureRequest.Builder<?> request =
        references.isEmpty()
            ? ImageRequest.builder(prompt)
            : EditRequest.builder(prompt, references);
    settings.accept(request);
    if (count != null) {
      request.count(count);
    }
    if (mask != null) {
      request.mask(mask);
    }
    return request.build();
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private Integer count;
    private List<InputImage> references = List.of();
    private InputImage mask;
    private Consumer<PictureRequest.Builder<?>> settings = request -> {};

    private Builder() {}

    private Builder set(Consumer<PictureRequest.Builder<?>> setting) {
      settings = settings.andThen(setting);
      return this;
    }

    /** How many pictures; picture k has the seed plus k. */
    public Builder count(int count) {
      this.count = count;
      return this;
    }

    /** Pictures to edit: the prompt is then the instruction. */
    public Builder references(InputImage... references) {
      this.references = List.of(references);
      return this;
    }

    /** Where the first reference picture may change; see {@link PictureRequest#mask}. */
    public Builder mask(InputImage mask) {
      this.mask = Objects.requireNonNull(mask, "mask");
      return this;
    }

    /** Makes the picture repeatable; any number. */
    public Builder seed(long seed) {
      return set(request -> request.seed(seed));
    }

    /** Denoising steps, from 1 to {@link PictureRequest#MAX_STEPS}. */
    public Builder steps(int steps) {
      return set(request -> request.steps(steps));
    }

    /** How strongly the denoising follows the prompt, up to {@link PictureRequest#MAX_GUIDANCE}. */
    public Builder guidance(double guidance) {
      return set(request -> request.guidance(guidance));
    }

    /** How freely image tokens are drawn. */
    public Builder temperature(double temperature) {
      return set(request -> request.temperature(temperature));
    }

    /** Draws among so many of the likeliest tokens. */
    public Builder topK(int topK) {
      return set(request -> request.topK(topK));
    }

    /** Draws among the likeliest tokens that have this share of the probability. */
    public Builder topP(double topP) {
      return set(request -> request.topP(topP));
    }

    /** The options. */
    public Blip3oImageOptions build() {
      return new Blip3oImageOptions(this);
    }
  }
}
