package dev.blip3o.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** Named measurements, each taken any number of times. */
final class Samples {
  private final Map<String, List<Double>> values = new LinkedHashMap<>();

  void add(String name, double value) {
    values.computeIfAbsent(name, n -> new ArrayList<>()).add(value);
  }

  void addAll(Map<String, Double> measured) {
    measured.forEach(this::add);
  }

  boolean isEmpty() {
    return values.isEmpty();
  }

  /** The median of a measurement; empty where it was never taken. */
  OptionalDouble median(String name) {
    List<Double> list = values.getOrDefault(name, List.of());
    return list.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(median(list));
  }

  /** Every measurement's median, in the order of their first samples. */
  Map<String, Double> medians() {
    Map<String, Double> medians = new LinkedHashMap<>();
    values.forEach((name, list) -> medians.put(name, median(list)));
    return medians;
  }

  /** How often a measurement was taken. */
  int count(String name) {
    return values.getOrDefault(name, List.of()).size();
  }

  static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
