package dev.blip3o.server.model;

import dev.blip3o.Blip3oModel;
import dev.blip3o.Capabilities;
import dev.blip3o.ModelInfo;
import dev.blip3o.ModelMetrics;
import dev.blip3o.PictureJob;
import dev.blip3o.PictureRequest;
import dev.blip3o.micrometer.Blip3oMetrics;
import java.util.List;

/**
 * All that a server asks of a model: narrow, so that a program can put its own work around a model,
 * and a test can lose its device.
 *
 * <p>Threads: safe for use by any thread.
 */
public interface ServedModel extends AutoCloseable {
  /** An open model as it is. */
  static ServedModel of(Blip3oModel model) {
    return new OpenModel(model);
  }

  /** Sizes and defaults; they never change. */
  ModelInfo info();

  /** What it can do; never changes. */
  Capabilities capabilities();

  /**
   * How it is: once {@link ModelMetrics#healthy} is false the server ends.
   *
   * @throws IllegalStateException if it is closed
   */
  ModelMetrics metrics();

  /** The same, to be bound to a registry; whoever asked for them closes them. */
  Blip3oMetrics meters();

  /**
   * How many tokens the prompt of a picture has, with its template.
   *
   * @throws dev.blip3o.InvalidRequestException if it is too long
   */
  int promptTokens(String prompt);

  /**
   * How many tokens the prompt of an edit has, with its template and without its pictures.
   *
   * @param references how many pictures
   * @throws dev.blip3o.InvalidRequestException if it is too long with them
   */
  int editPromptTokens(String prompt, int references);

  /** Submits pictures, as {@link Blip3oModel#submitAll} does, with the same failures. */
  List<PictureJob> submitAll(PictureRequest request);

  /** Ends what is under way. A second call has no effect. */
  @Override
  void close();
}
