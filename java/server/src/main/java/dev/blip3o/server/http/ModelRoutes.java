package dev.blip3o.server.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blip3o.ModelInfo;
import dev.blip3o.server.model.ServedModel;
import dev.blip3o.server.pictures.PictureFormat;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Set;

/**
 * {@code GET /v1/models} and {@code /v1/models/NAME}. Beside OpenAI's fields a model tells what a
 * client needs to know before it asks: its size, its defaults, whether it edits.
 */
public final class ModelRoutes {
  private static final String PATH = "/v1/models";
  private static final long MILLIS = 1000;

  private final ServedModel model;
  private final ModelNames names;
  private final Set<PictureFormat> formats;
  private final long created = System.currentTimeMillis() / MILLIS;

  /**
   * Routes that list {@code model} under each of {@code names}.
   *
   * @param formats that pictures can be sent in
   */
  public ModelRoutes(ServedModel model, List<String> names, Set<PictureFormat> formats) {
    this.formats = formats;
    this.model = model;
    this.names = new ModelNames(names);
  }

  /** Adds the routes; {@code gate} lets requests in. */
  public void mount(Router router, Gate gate) {
    Reading.at(router, PATH).handler(Exchanges.route(PATH)).handler(gate.key()).handler(this::list);
    Reading.at(router, PATH + "/:name")
        .handler(Exchanges.route(PATH + "/{name}"))
        .handler(gate.key())
        .handler(this::one);
  }

  private void list(RoutingContext context) {
    ObjectNode root = JsonNodeFactory.instance.objectNode().put("object", "list");
    ArrayNode data = root.putArray("data");
    names.names().forEach(name -> data.add(describe(name)));
    Json.send(context.response(), Json.bytes(root));
  }

  private void one(RoutingContext context) {
    String name = context.pathParam("name");
    names.check(name);
    Json.send(context.response(), Json.bytes(describe(name)));
  }

  private ObjectNode describe(String name) {
    ModelInfo info = model.info();
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("id", name)
        .put("object", "model")
        .put("created", created)
        .put("owned_by", "blip3o-java")
        .put("size", info.pictureWidth() + "x" + info.pictureHeight())
        .put("edits", model.capabilities().editing())
        .put("steps", info.defaultSteps())
        .put("guidance_scale", info.defaultGuidance())
        .put("temperature", info.defaultTemperature())
        .put("top_k", info.defaultTopK())
        .put("top_p", info.defaultTopP());
    ArrayNode names = node.putArray("output_formats");
    formats.forEach(format -> names.add(format.wireName()));
    return node;
  }
}
