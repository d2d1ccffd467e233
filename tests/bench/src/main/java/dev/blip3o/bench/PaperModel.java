package dev.blip3o.bench;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What a device could do at best, from bytes and flops alone: nothing here is measured. Prints the
 * tables of docs/performance.md; the sizes are those of the public 3B model where no option says
 * otherwise.
 */
public final class PaperModel {
  private static final String USAGE =
      "usage: PaperModel [--prompt N] [--steps N] [sizes, as RandomCheckpoint takes them]";

  private static final List<Device> DEVICES = List.of(Device.H100, Device.H200);
  private static final int[] BATCHES = {1, 8, 32, 64};
  private static final int CHUNK = 128;

  private final PaperStages stages;
  private final int prompt;
  private final int steps;
  private final StringBuilder out = new StringBuilder();

  private PaperModel(CheckpointSizes sizes, int prompt, int steps) {
    this.stages = new PaperStages(sizes);
    this.prompt = prompt;
    this.steps = steps;
  }

  /** The command line; exit codes: 0, 2 for wrong usage. */
  public static void main(String[] args) {
    try {
      System.out.print(tables(args));
    } catch (Options.UsageException e) {
      System.err.println(e.getMessage());
      System.err.println(USAGE);
      System.exit(2);
    }
  }

  /** The tables as Markdown. */
  static String tables(String... args) {
    Set<String> named = new HashSet<>(CheckpointSizes.OPTIONS);
    named.addAll(Set.of("prompt", "steps"));
    Options options = Options.parse(args, named, Set.of("separate-lm-head"));
    if (!options.plain().isEmpty()) {
      throw new Options.UsageException("unknown argument " + options.plain().get(0));
    }
    PaperModel model =
        new PaperModel(
            CheckpointSizes.from(options),
            options.integer("prompt", 64),
            options.integer("steps", 30));
    model.limitTable();
    model.out.append('\n');
    model.tokenTable();
    model.out.append('\n');
    model.stageTable();
    model.out.append('\n');
    model.pictureTable();
    return model.out.toString();
  }

  /** Positions that a token looks at: the prompt, and half of the tokens on average. */
  private int context() {
    return prompt + (tokenSteps() + 1) / 2;
  }

  /** Each token is fed back once, the last one for its hidden state. */
  private int tokenSteps() {
    return stages.sizes().imageTokens();
  }

  // ---- Tokens ---------------------------------------------------------------------------------

  private void tokenTable() {
    batchHeader("one token step at batch");
    StageCost weights = stages.tokens(1, 0);
    batchRow("weights read, GB", b -> number(weights.neededBytes() / 1e9));
    batchRow(
        "keys and values read, at " + context() + " positions each, GB",
        b -> number(bytesOfKeys(tokens(b), weights) / 1e9));
    batchRow("GFLOP", b -> number(tokens(b).flops() / 1e9));
    for (Device device : DEVICES) {
      batchRow(device.name() + ": least time, ms", b -> number(1e3 * tokens(b).least(device)));
      batchRow(device.name() + ": one by one, ms", b -> number(1e3 * tokens(b).oneByOne(device)));
      batchRow(
          device.name() + ": tokens/s at the least time",
          b -> String.format(Locale.ROOT, "%,.0f", b / tokens(b).least(device)));
      batchRow(
          device.name() + ": of that time the flops alone need, %",
          b -> number(100 * tokens(b).flops() / device.flopsPerSecond() / tokens(b).least(device)));
    }
  }

  private StageCost tokens(int batch) {
    return stages.tokens(batch, context());
  }

  private static long bytesOfKeys(StageCost tokens, StageCost withoutContext) {
    return tokens.neededBytes() - withoutContext.neededBytes();
  }

  // ---- Limits ---------------------------------------------------------------------------------

  private void limitTable() {
    deviceRow("limits", Device::name);
    out.append("|---|" + "---|".repeat(DEVICES.size()) + "\n");
    deviceRow("memory, TB/s", device -> number(device.bytesPerSecond() / 1e12));
    deviceRow("dense BF16, TFLOP/s", device -> integer(device.flopsPerSecond() / 1e12));
    deviceRow("flops in the time of a byte", device -> integer(device.flopsPerByte()));
    deviceRow(
        "flops of a byte of weights, for each token of the batch",
        device -> integer(weightFlops()));
    deviceRow(
        "products of tokens are bound by compute from batch",
        device -> integer(Math.ceil(device.flopsPerByte() / weightFlops())));
    deviceRow("flops of a byte of keys and values, at any batch", device -> integer(keyFlops()));
    deviceRow("whole token steps are bound by compute from batch", this::computeBound);
    deviceRow(
        "keys and values are more bytes than weights from batch",
        device -> integer(Math.ceil(weights() / keys())));
    deviceRow("keys and values of a whole request, MB", device -> number(slab() / 1e6));
  }

  private double weights() {
    return stages.tokens(1, 0).neededBytes();
  }

  /** Bytes that a request's token reads of its own keys and values. */
  private double keys() {
    return bytesOfKeys(tokens(1), stages.tokens(1, 0));
  }

  private double slab() {
    return bytesOfKeys(stages.tokens(1, prompt + tokenSteps()), stages.tokens(1, 0));
  }

  private double weightFlops() {
    return stages.tokens(1, 0).flops() / weights();
  }

  /** Each key and value is multiplied once for each query head that shares it. */
  private double keyFlops() {
    return (tokens(1).flops() - stages.tokens(1, 0).flops()) / keys();
  }

  /** Where weights and keys take as long to be read as all flops to be done. */
  private String computeBound(Device device) {
    double each = tokens(1).flops() / device.flopsPerSecond() - keys() / device.bytesPerSecond();
    return each <= 0 ? "never" : integer(Math.ceil(weights() / device.bytesPerSecond() / each));
  }

  // ---- Stages ---------------------------------------------------------------------------------

  private void stageTable() {
    row(
        "a stage, for one picture",
        "reads at least, GB",
        "moves one by one, GB",
        "TFLOP",
        devices(" least, ms", " one by one, ms"));
    out.append("|---|" + "---|".repeat(3 + 2 * DEVICES.size()) + "\n");
    CheckpointSizes sizes = stages.sizes();
    int blocks = sizes.sanaLayers();
    stageRow("prefill of " + prompt + " positions", stages.prefill(prompt));
    stageRow("prefill of a chunk of " + CHUNK, stages.prefill(CHUNK));
    stageRow("condition", stages.condition());
    stageRow(
        "of a step: linear attention and its products",
        new StageCost().add(stages.linearAttention(), blocks));
    stageRow("of a step: cross attention", new StageCost().add(stages.crossAttention(), blocks));
    stageRow("of a step: GLUMBConv", new StageCost().add(stages.feedForward(), blocks));
    stageRow("**a guided denoising step**", stages.step());
    stageRow("**DC-AE decode**", stages.decode());
  }

  private void stageRow(String name, StageCost cost) {
    row(
        name,
        number(cost.neededBytes() / 1e9),
        number(cost.movedBytes() / 1e9),
        number(cost.flops() / 1e12),
        DEVICES.stream()
            .map(d -> number(1e3 * cost.least(d)) + " | " + number(1e3 * cost.oneByOne(d)))
            .collect(Collectors.joining(" | ")));
  }

  private static String devices(String... columns) {
    return DEVICES.stream()
        .flatMap(device -> Stream.of(columns).map(column -> device.name() + column))
        .collect(Collectors.joining(" | "));
  }

  // ---- Pictures -------------------------------------------------------------------------------

  private void pictureTable() {
    batchHeader("pictures of " + steps + " steps, token batch");
    batchRow("token steps due beside one denoising step", b -> number(due(b)));
    for (Device device : DEVICES) {
      batchRow(device.name() + ": that fit beside it", b -> number(fit(b, device)));
      batchRow(
          device.name() + ": language half of a picture, ms",
          b -> number(1e3 * languageHalf(b).oneByOne(device) / b));
      batchRow(
          device.name() + ": picture half, ms", b -> number(1e3 * pictureHalf().oneByOne(device)));
      batchRow(
          device.name() + ": pictures/s, the halves in turn", b -> number(1 / inTurn(b, device)));
      batchRow(
          device.name() + ": pictures/s, the halves beside each other",
          b -> number(1 / beside(b, device)));
    }
  }

  /** Prefills and all token steps of a batch of pictures. */
  private StageCost languageHalf(int batch) {
    return new StageCost().add(stages.prefill(prompt), batch).add(tokens(batch), tokenSteps());
  }

  private StageCost pictureHalf() {
    return new StageCost()
        .add(stages.condition(), 1)
        .add(stages.step(), steps)
        .add(stages.decode(), 1);
  }

  /** For each denoising step so many token steps, so that neither half waits for the other. */
  private double due(int batch) {
    return (double) tokenSteps() / steps / batch;
  }

  /** Token steps whose bytes fit into what a denoising step leaves of the memory's time. */
  private double fit(int batch, Device device) {
    StageCost step = stages.step();
    double free = step.oneByOne(device) * device.bytesPerSecond() - step.movedBytes();
    return free / tokens(batch).movedBytes();
  }

  private double inTurn(int batch, Device device) {
    return pictureHalf().oneByOne(device) + languageHalf(batch).oneByOne(device) / batch;
  }

  /** No half is faster than alone, and both share one memory and one set of tensor cores. */
  private double beside(int batch, Device device) {
    StageCost language = languageHalf(batch);
    StageCost picture = pictureHalf();
    double bytes = picture.movedBytes() + (double) language.movedBytes() / batch;
    double flops = picture.flops() + (double) language.flops() / batch;
    return Math.max(
        device.seconds(bytes, flops),
        Math.max(picture.oneByOne(device), language.oneByOne(device) / batch));
  }

  // ---- Text -----------------------------------------------------------------------------------

  private void batchHeader(String first) {
    batchRow(first, Integer::toString);
    out.append("|---|" + "---|".repeat(BATCHES.length) + "\n");
  }

  private void batchRow(String name, IntFunction<String> value) {
    String cells = IntStream.of(BATCHES).mapToObj(value).collect(Collectors.joining(" | "));
    row(name, cells);
  }

  private void deviceRow(String name, Function<Device, String> value) {
    row(name, DEVICES.stream().map(value).collect(Collectors.joining(" | ")));
  }

  private void row(String... cells) {
    out.append("| ").append(String.join(" | ", cells)).append(" |\n");
  }

  private static String integer(double value) {
    return String.format(Locale.ROOT, "%.0f", value);
  }

  /** Three digits that count. */
  static String number(double value) {
    if (value >= 99.95) {
      return integer(value);
    }
    return String.format(
        Locale.ROOT, value >= 9.995 ? "%.1f" : value >= 0.9995 ? "%.2f" : "%.3f", value);
  }
}
