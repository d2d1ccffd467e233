package dev.blip3o.server.http;

/** The whole body of a request, in memory, not yet parsed. */
sealed interface RequestBody {
  /** JSON. */
  record Json(byte[] bytes) implements RequestBody {}

  /**
   * A form of the type multipart/form-data.
   *
   * @param boundary what stands between its parts
   */
  record Multipart(byte[] bytes, String boundary) implements RequestBody {}
}
