package dev.blip3o.internal;

import java.util.EnumSet;
import java.util.Set;

/**
 * A native request: a range of stages, their inputs and the values to bring back. What is not set
 * keeps the native default. Arrays are borrowed until the job is submitted.
 */
public final class JobSpec {
  /** An input: values in row-major order and their shape. */
  record Input(float[] values, int[] shape) {}

  final JobStage first;
  final JobStage last;
  final Set<JobValue> outputs;
  int[] prompt;
  int[] tokens;
  Input hiddenStates;
  Input condition;
  Input nullCondition;
  Input noise;
  Input latents;
  Long seed;
  Float temperature;
  Integer topK;
  Float topP;
  Integer steps;
  Float guidance;

  /** A request for {@code outputs} of the stages from {@code first} to {@code last}. */
  public JobSpec(JobStage first, JobStage last, JobValue... outputs) {
    this.first = first;
    this.last = last;
    this.outputs = EnumSet.noneOf(JobValue.class);
    this.outputs.addAll(Set.of(outputs));
  }

  /** {@code [T]} vocabulary ids. */
  public JobSpec prompt(int[] ids) {
    this.prompt = ids;
    return this;
  }

  /** {@code [N]} image codes. */
  public JobSpec tokens(int[] codes) {
    this.tokens = codes;
    return this;
  }

  /** {@code [N + 1, H]}. */
  public JobSpec hiddenStates(float[] values, int... shape) {
    this.hiddenStates = new Input(values, shape);
    return this;
  }

  /** {@code [M, C]}. */
  public JobSpec condition(float[] values, int... shape) {
    this.condition = new Input(values, shape);
    return this;
  }

  /** {@code [1, C]}. */
  public JobSpec nullCondition(float[] values, int... shape) {
    this.nullCondition = new Input(values, shape);
    return this;
  }

  /** {@code [c, h, w]}. */
  public JobSpec noise(float[] values, int... shape) {
    this.noise = new Input(values, shape);
    return this;
  }

  /** {@code [c, h, w]}. */
  public JobSpec latents(float[] values, int... shape) {
    this.latents = new Input(values, shape);
    return this;
  }

  /** Of tokens and noise. */
  public JobSpec seed(long seed) {
    this.seed = seed;
    return this;
  }

  /** How tokens are drawn. */
  public JobSpec sampling(double temperature, int topK, double topP) {
    this.temperature = (float) temperature;
    this.topK = topK;
    this.topP = (float) topP;
    return this;
  }

  /** How the flow is solved. */
  public JobSpec flow(int steps, double guidance) {
    this.steps = steps;
    this.guidance = (float) guidance;
    return this;
  }
}
