package dev.blip3o.service;

import java.util.Map;
import java.util.TreeMap;

/** Values of {@code /metrics} by name and labels, as Prometheus' text format writes them. */
record Scrape(Map<String, Double> values) {
  static Scrape parse(String text) {
    Map<String, Double> values = new TreeMap<>();
    text.lines()
        .filter(line -> !line.startsWith("#") && line.indexOf(' ') > 0)
        .forEach(
            line -> {
              int space = line.lastIndexOf(' ');
              values.put(line.substring(0, space), Double.valueOf(line.substring(space + 1)));
            });
    return new Scrape(values);
  }

  /** One value, for example of {@code blip3o_queue_depth}. */
  double value(String name) {
    Double value = values.get(name);
    if (value == null) {
      throw new IllegalStateException("/metrics has no " + name + ", only " + values.keySet());
    }
    return value;
  }

  /** Whether the server works on nothing and holds no request. */
  boolean idle() {
    return value("blip3o_queue_depth") == 0
        && value("blip3o_requests_running") == 0
        && value("blip3o_http_running") == 0;
  }
}
