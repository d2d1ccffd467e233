package dev.blip3o.training.resume;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blip3o.OutputFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * Where a run stands.
 *
 * @param step steps that are done, 0 or more
 * @param startingModel {@link ModelFingerprint} of the model that training started from, which is
 *     also the one that the divergence is measured from
 * @param settings everything that decides the rest of the curve, as text by name: seed, prompts,
 *     reward, learning rate, …
 */
public record TrainingState(int step, String startingModel, Map<String, String> settings) {
  private static final String FILE = "state.json";

  /**
   * Copies the settings.
   *
   * @throws IllegalArgumentException if the step is negative
   */
  public TrainingState {
    Objects.requireNonNull(startingModel, "startingModel");
    settings = Collections.unmodifiableMap(new TreeMap<>(settings));
    if (step < 0) {
      throw new IllegalArgumentException("step must be 0 or more, but is " + step);
    }
  }

  /**
   * Writes it into a checkpoint's folder for training.
   *
   * @throws dev.blip3o.OutputException if that is impossible
   */
  public void write(Path folder) {
    JsonMapper mapper = new JsonMapper();
    ObjectNode root = mapper.createObjectNode().put("step", step);
    root.put("starting_model", startingModel);
    ObjectNode texts = root.putObject("settings");
    settings.forEach(texts::put);
    byte[] bytes = (root.toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8);
    OutputFile.at(folder.resolve(FILE)).write(out -> out.write(bytes));
  }

  /**
   * Reads it from a checkpoint's folder for training.
   *
   * @throws ResumeException if it isn't there or is malformed
   */
  public static TrainingState read(Path folder) {
    Path file = folder.resolve(FILE);
    try {
      JsonNode root = new JsonMapper().readTree(Files.readString(file));
      if (!root.path("step").isInt()
          || !root.path("starting_model").isTextual()
          || !root.path("settings").isObject()) {
        throw new ResumeException(
            file + " must have step, starting_model and settings, but is " + root);
      }
      Map<String, String> settings = new TreeMap<>();
      root.get("settings")
          .properties()
          .forEach(s -> settings.put(s.getKey(), s.getValue().asText()));
      return new TrainingState(
          root.get("step").intValue(), root.get("starting_model").textValue(), settings);
    } catch (NoSuchFileException e) {
      throw new ResumeException(
          "training can't go on from "
              + folder.getParent()
              + ": it is no checkpoint of a training run, as there is no file "
              + file,
          e);
    } catch (JsonProcessingException | IllegalArgumentException e) {
      throw new ResumeException(file + " is damaged: " + e.getMessage().split("\n")[0], e);
    } catch (IOException e) {
      throw new ResumeException(file + ": can't be read: " + e.getMessage(), e);
    }
  }

  /**
   * Checks that a run with these settings from this model is the one that stands here.
   *
   * @param model {@link ModelFingerprint} of the model that the run names as its start
   * @param wanted the run's settings
   * @throws ResumeException naming what differs
   */
  public void checkContinuedBy(String model, Map<String, String> wanted) {
    if (!startingModel.equals(model)) {
      throw new ResumeException(
          "the checkpoint was trained from another model: expected the one with the fingerprint "
              + startingModel.substring(0, Math.min(16, startingModel.length()))
              + "…, but found "
              + model.substring(0, Math.min(16, model.length()))
              + "…; name the model that training started from");
    }
    TreeMap<String, String> all = new TreeMap<>(settings);
    all.putAll(wanted);
    for (String name : all.keySet()) {
      if (!Objects.equals(settings.get(name), wanted.get(name))) {
        throw new ResumeException(
            "the checkpoint was trained with another "
                + name
                + ": expected "
                + settings.get(name)
                + ", but found "
                + wanted.get(name)
                + "; resume with what the run began with, or begin a new one");
      }
    }
  }
}
