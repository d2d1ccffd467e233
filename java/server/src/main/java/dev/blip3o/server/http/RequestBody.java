package dev.blip3o.server.http;

import dev.blip3o.server.openai.FormPart;
import java.util.List;
import java.util.Map;

/** The whole body of a request, in memory. */
sealed interface RequestBody {
  /** JSON, not yet parsed. */
  record Json(byte[] bytes) implements RequestBody {}

  /**
   * A form.
   *
   * @param values the fields that are no files, in their order
   * @param files the files, in their order
   */
  record Form(List<Map.Entry<String, String>> values, List<FormPart> files)
      implements RequestBody {}
}
