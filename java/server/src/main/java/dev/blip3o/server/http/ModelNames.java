package dev.blip3o.server.http;

import dev.blip3o.server.openai.ApiError;
import dev.blip3o.server.openai.ApiException;
import java.util.List;

/**
 * The names that the one model of a server has.
 *
 * @param names at least one
 */
record ModelNames(List<String> names) {
  /**
   * Checks what a client calls the model.
   *
   * @param name empty where it does not
   * @throws ApiException 404 if the model is not called so
   */
  void check(String name) {
    if (!name.isEmpty() && !names.contains(name)) {
      throw new ApiException(
          404,
          new ApiError(
              "There is no model of this name. This server has: " + String.join(", ", names) + ".",
              ApiError.INVALID_REQUEST,
              "model",
              "model_not_found"),
          null);
    }
  }
}
