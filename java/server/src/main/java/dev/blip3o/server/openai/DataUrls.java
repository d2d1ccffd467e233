package dev.blip3o.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Pictures that stand in the request itself; nothing is ever fetched. */
final class DataUrls {
  /** What stands before the data; the type is not believed, the file itself is looked at. */
  private static final Pattern HEAD =
      Pattern.compile("data:image/[a-z0-9.+-]{1,40};base64,", Pattern.CASE_INSENSITIVE);

  private DataUrls() {}

  /**
   * The file in {@code {"image_url": "data:image/png;base64,..."}}.
   *
   * @param param what errors call it
   */
  static byte[] image(JsonNode reference, String param) {
    if (reference.hasNonNull("file_id")) {
      throw ApiException.invalid(
          "This server keeps no files: send the picture as a data URL in 'image_url'.", param);
    }
    JsonNode url = reference.path("image_url");
    if (!url.isTextual()) {
      throw ApiException.invalid(
          "Invalid value for '" + param + "': expected an object with 'image_url'.", param);
    }
    return decode(url.textValue(), param);
  }

  private static byte[] decode(String url, String param) {
    Matcher head = HEAD.matcher(url);
    if (!head.lookingAt()) {
      throw ApiException.invalid(
          "'image_url' must be a data URL, data:image/png;base64,... : nothing is fetched.", param);
    }
    try {
      return Base64.getDecoder().decode(url.substring(head.end()));
    } catch (IllegalArgumentException e) {
      throw ApiException.invalid("The data URL holds something that is no base64.", param);
    }
  }
}
