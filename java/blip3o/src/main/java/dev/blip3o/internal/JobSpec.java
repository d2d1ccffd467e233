package dev.blip3o.internal;

import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * A native request: a range of stages, their inputs and the values to bring back. What is not set
 * keeps the native default. Arrays and buffers are borrowed until the job is submitted; floats lie
 * in direct memory, which the native call reads where it is.
 */
public final class JobSpec {
  /** An input: values in row-major order and their shape. */
  record Input(FloatBuffer values, int[] shape) {}

  /** A picture or a mask: samples {@code [height, width]} or {@code [height, width, channels]}. */
  record Picture(byte[] samples, int[] shape) {}

  final JobStage first;
  final JobStage last;
  final Set<JobValue> outputs;
  final List<Picture> references = new ArrayList<>();
  int[] prompt;
  IntBuffer tokens;
  Input hiddenStates;
  Input condition;
  Input nullCondition;
  Input noise;
  Input latents;
  Input referenceLatents;
  Input initialLatents;
  Picture initial;
  Picture mask;
  Long seed;
  Float temperature;
  Integer topK;
  Float topP;
  Integer steps;
  Float guidance;
  Float strength;
  int priority;
  long deadlineMillis;
  int previewSteps;

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
    return tokens(IntBuffer.wrap(codes));
  }

  /** {@code [N]} image codes: direct memory as it is, or a heap buffer, which is copied. */
  public JobSpec tokens(IntBuffer codes) {
    this.tokens = codes;
    return this;
  }

  /** {@code [N + 1, H]}. */
  public JobSpec hiddenStates(FloatBuffer values, int... shape) {
    this.hiddenStates = new Input(values, shape);
    return this;
  }

  /** {@code [M, C]}. */
  public JobSpec condition(FloatBuffer values, int... shape) {
    this.condition = new Input(values, shape);
    return this;
  }

  /** {@code [1, C]}. */
  public JobSpec nullCondition(FloatBuffer values, int... shape) {
    this.nullCondition = new Input(values, shape);
    return this;
  }

  /** {@code [c, h, w]}. */
  public JobSpec noise(FloatBuffer values, int... shape) {
    this.noise = new Input(values, shape);
    return this;
  }

  /** {@code [c, h, w]}. */
  public JobSpec latents(FloatBuffer values, int... shape) {
    this.latents = new Input(values, shape);
    return this;
  }

  /** One more reference picture: {@code [height, width]}, or with 3 or 4 channels as third axis. */
  public JobSpec reference(byte[] samples, int... shape) {
    references.add(new Picture(samples, shape));
    return this;
  }

  /** {@code [R, c, h, w]}. */
  public JobSpec referenceLatents(FloatBuffer values, int... shape) {
    this.referenceLatents = new Input(values, shape);
    return this;
  }

  /** The picture that the flow starts from, shaped as a reference. */
  public JobSpec initial(byte[] samples, int... shape) {
    this.initial = new Picture(samples, shape);
    return this;
  }

  /** {@code [c, h, w]}. */
  public JobSpec initialLatents(FloatBuffer values, int... shape) {
    this.initialLatents = new Input(values, shape);
    return this;
  }

  /** {@code [height, width]} of the initial picture. */
  public JobSpec mask(byte[] samples, int... shape) {
    this.mask = new Picture(samples, shape);
    return this;
  }

  /** How much of the flow runs from what it starts from. */
  public JobSpec strength(double strength) {
    this.strength = (float) strength;
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

  /** Who goes first. */
  public JobSpec priority(int priority) {
    this.priority = priority;
    return this;
  }

  /** How long after submission the job may take; 0: as long as it takes. */
  public JobSpec deadlineMillis(long millis) {
    this.deadlineMillis = millis;
    return this;
  }

  /** After how many steps there is a preview each time; 0: none. */
  public JobSpec previewSteps(int steps) {
    this.previewSteps = steps;
    return this;
  }
}
