package dev.blip3o.server.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * The objects that answer one request for pictures.
 *
 * @param order what was asked for
 * @param width of the pictures, in pixels
 * @param height of the pictures, in pixels
 * @param created when the request was taken, in seconds since 1970
 */
public record Answers(PictureOrder order, int width, int height, long created) {
  /**
   * A finished picture.
   *
   * @param file its bytes; null where it has an address
   * @param url its address; null where it is sent itself
   * @param seed its own
   */
  public record Picture(byte[] file, String url, long seed) {}

  /** The whole answer of a request without a stream. */
  public ObjectNode whole(List<Picture> pictures, Usage usage) {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.put("created", created);
    ArrayNode data = root.putArray("data");
    pictures.forEach(picture -> put(data.addObject(), picture));
    putOutput(root);
    root.set("usage", usage.toJson());
    return root;
  }

  private static void put(ObjectNode node, Picture picture) {
    if (picture.url() != null) {
      node.put("url", picture.url());
    } else {
      node.put("b64_json", picture.file());
    }
    node.put("seed", picture.seed());
  }

  private void putOutput(ObjectNode node) {
    node.put("background", "opaque");
    node.put("output_format", order.output().format().wireName());
    node.put("quality", order.output().quality());
    node.put("size", width + "x" + height);
  }

  /**
   * The event of a preview.
   *
   * @param picture which picture, from 0
   * @param index which of its previews, from 0
   */
  public ObjectNode partial(int picture, int index, byte[] file) {
    ObjectNode event = event(partialType(), picture);
    event.put("b64_json", file);
    event.put("created_at", created);
    putOutput(event);
    event.put("partial_image_index", index);
    return event;
  }

  /**
   * The event of a finished picture.
   *
   * @param picture which picture, from 0
   */
  public ObjectNode completed(int picture, Picture made, Usage usage) {
    ObjectNode event = event(completedType(), picture);
    event.put("b64_json", made.file());
    event.put("created_at", created);
    putOutput(event);
    event.put("seed", made.seed());
    event.set("usage", usage.toJson());
    return event;
  }

  /**
   * The event of a step of the work: an extension, for clients that asked for it.
   *
   * @param picture which picture, from 0
   * @param stage {@code queued}, {@code encode}, {@code tokens}, {@code steps}, {@code decode}
   * @param done how many units of the stage are done; of {@code queued}: requests ahead
   * @param total units of the stage; 0 of {@code queued}
   */
  public ObjectNode progress(int picture, String stage, int done, int total) {
    ObjectNode event = event(progressType(), picture);
    return event.put("stage", stage).put("done", done).put("total", total);
  }

  private ObjectNode event(String type, int picture) {
    ObjectNode event = JsonNodeFactory.instance.objectNode();
    event.put("type", type);
    if (order.count() > 1) {
      event.put("index", picture);
    }
    return event;
  }

  private String partialType() {
    return order.operation().eventPrefix() + ".partial_image";
  }

  private String completedType() {
    return order.operation().eventPrefix() + ".completed";
  }

  private String progressType() {
    return order.operation().eventPrefix() + ".progress";
  }
}
