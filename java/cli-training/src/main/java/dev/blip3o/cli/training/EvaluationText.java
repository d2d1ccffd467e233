package dev.blip3o.cli.training;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blip3o.cli.Text;
import dev.blip3o.training.EvaluationResult;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** How an evaluation is printed. */
final class EvaluationText {
  private EvaluationText() {}

  /** For people: all prompts, then each kind. */
  static List<String> lines(EvaluationResult result) {
    List<String> lines = new ArrayList<>();
    lines.add("mean reward " + share(result.all()));
    result
        .kinds()
        .forEach((kind, share) -> lines.add("  " + Text.oneLine(kind) + ": " + share(share)));
    return lines;
  }

  private static String share(EvaluationResult.Share share) {
    return String.format(
        Locale.ROOT,
        "%.4f ± %.4f of %s",
        share.mean(),
        share.standardError(),
        Text.plural(share.count(), "prompt"));
  }

  /** For programs: an object in one line. */
  static String json(EvaluationResult result, Path model, String reward, long seed) {
    ObjectNode root = JsonMapper.builder().build().createObjectNode();
    root.put("model", model.toString());
    root.put("reward", reward);
    root.put("seed", Long.toUnsignedString(seed));
    put(root, result.all());
    ObjectNode kinds = root.putObject("kinds");
    result.kinds().forEach((kind, share) -> put(kinds.putObject(kind), share));
    return root.toString();
  }

  private static void put(ObjectNode object, EvaluationResult.Share share) {
    object.put("count", share.count());
    object.put("mean", share.mean());
    object.put("standard_error", share.standardError());
  }
}
