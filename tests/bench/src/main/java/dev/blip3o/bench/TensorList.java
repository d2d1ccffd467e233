package dev.blip3o.bench;

import dev.blip3o.bench.CheckpointTensors.Fill;
import dev.blip3o.bench.CheckpointTensors.Spec;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Tensors in the order in which they are written, and the groups that come again and again. */
final class TensorList {
  private final List<Spec> specs = new ArrayList<>();

  List<Spec> specs() {
    return Collections.unmodifiableList(specs);
  }

  void add(String name, Fill fill, Integer... shape) {
    specs.add(new Spec(name, fill, List.of(shape)));
  }

  void linear(String name, int outputs, int inputs) {
    add(name + ".weight", Fill.WEIGHT, outputs, inputs);
    add(name + ".bias", Fill.SMALL, outputs);
  }

  void convolution(String name, int outputs, int inputs, int kernel) {
    add(name + ".weight", Fill.WEIGHT, outputs, inputs, kernel, kernel);
    add(name + ".bias", Fill.SMALL, outputs);
  }

  void norm(String name, int channels) {
    add(name + ".weight", Fill.ONE, channels);
    add(name + ".bias", Fill.SMALL, channels);
  }

  /** SANA's and DC-AE's GLUMBConv, without the norm that only DC-AE has. */
  void gluConv(String p, int channels, int inner) {
    convolution(p + "conv_inverted", 2 * inner, channels, 1);
    convolution(p + "conv_depth", 2 * inner, 1, 3);
    add(p + "conv_point.weight", Fill.WEIGHT, channels, inner, 1, 1);
  }
}
