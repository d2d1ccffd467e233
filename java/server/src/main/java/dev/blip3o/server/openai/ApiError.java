package dev.blip3o.server.openai;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Objects;

/**
 * OpenAI's error object.
 *
 * @param message one sentence for people
 * @param type its kind, one of the constants here
 * @param param the field of the request that is wrong, or null
 * @param code for programs, or null
 */
public record ApiError(String message, String type, String param, String code) {
  /** The request is wrong; sent again it is refused again. */
  public static final String INVALID_REQUEST = "invalid_request_error";

  /** Too many requests, of this client or of all. */
  public static final String RATE_LIMIT = "rate_limit_error";

  /** The server failed, or can't serve now. */
  public static final String SERVER = "server_error";

  /** Checks that message and type are there. */
  public ApiError {
    Objects.requireNonNull(message, "message");
    Objects.requireNonNull(type, "type");
  }

  /** {@code {"error": {"message", "type", "param", "code"}}}. */
  public ObjectNode toJson() {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.putObject("error")
        .put("message", message)
        .put("type", type)
        .put("param", param)
        .put("code", code);
    return root;
  }
}
