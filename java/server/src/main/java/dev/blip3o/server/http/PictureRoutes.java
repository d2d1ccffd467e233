package dev.blip3o.server.http;

import dev.blip3o.ModelInfo;
import dev.blip3o.server.model.ServedModel;
import dev.blip3o.server.openai.Answers;
import dev.blip3o.server.openai.ApiException;
import dev.blip3o.server.openai.Operation;
import dev.blip3o.server.openai.PictureOrder;
import dev.blip3o.server.openai.RequestReader;
import dev.blip3o.server.pictures.PictureEncoder;
import dev.blip3o.server.pictures.PictureFormat;
import dev.blip3o.server.pictures.PictureStore;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.net.HostAndPort;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * {@code POST /v1/images/generations} and {@code /v1/images/edits}.
 *
 * <p>A client that goes away cancels its pictures, whether they wait, are drawn or are sent.
 */
public final class PictureRoutes {
  private static final long MILLIS = 1000;

  /** The share of the heap that bodies and decoded pictures of all requests may hold. */
  private static final int HEAP_SHARE = 2;

  private final Settings settings;
  private final PictureStore store;
  private final ErrorHandler errors;
  private final Submitter submitter;
  private final ModelInfo info;
  private final MemoryBudget memory =
      new MemoryBudget(Runtime.getRuntime().maxMemory() / HEAP_SHARE);

  /**
   * What operators choose.
   *
   * @param maxRequestBytes of a body
   * @param maxPixels of all pictures of a request together
   * @param keepAlive how long a stream may be idle
   * @param formats that pictures can be sent in
   * @param modelNames what the model may be called
   * @param publicUrl what clients see the server as; empty: what they say themselves
   */
  public record Settings(
      long maxRequestBytes,
      long maxPixels,
      Duration keepAlive,
      Set<PictureFormat> formats,
      List<String> modelNames,
      Optional<URI> publicUrl) {}

  /** Routes for {@code model}; {@code errors} makes errors within streams too. */
  public PictureRoutes(
      ServedModel model, Settings settings, PictureStore store, ErrorHandler errors) {
    this.settings = settings;
    this.store = store;
    this.errors = errors;
    this.info = model.info();
    this.submitter =
        new Submitter(
            model,
            new ModelNames(settings.modelNames()),
            new RequestReader(settings.maxRequestBytes(), settings.formats()),
            settings.maxPixels());
  }

  /** Adds the routes; {@code gate} lets requests in. */
  public void mount(Router router, Gate gate) {
    mount(router, gate, "/v1/images/generations", Operation.GENERATION);
    mount(router, gate, "/v1/images/edits", Operation.EDIT);
  }

  private void mount(Router router, Gate gate, String path, Operation operation) {
    router
        .post(path)
        .handler(Exchanges.route(path))
        .handler(new OwnPages())
        .handler(gate.work())
        .handler(context -> handle(context, operation));
  }

  private void handle(RoutingContext context, Operation operation) {
    Context loop = Vertx.currentContext();
    PictureCall call = new PictureCall(memory);
    context.addEndHandler(end -> call.end());
    BodyReader.read(context, call, settings.maxRequestBytes(), operation == Operation.EDIT)
        .compose(body -> loop.executeBlocking(() -> submitter.submit(operation, body, call), false))
        .compose(submission -> answer(context, loop, submission, call))
        .onFailure(context::fail);
  }

  /** Begins the answer; what is thrown here fails the request, as what was thrown before does. */
  private Future<Void> answer(
      RoutingContext context, Context loop, Submission submission, PictureCall call) {
    if (call.over()) {
      return Future.succeededFuture();
    }
    PictureOrder order = submission.order();
    Answers answers =
        new Answers(
            order, info.pictureWidth(), info.pictureHeight(), System.currentTimeMillis() / MILLIS);
    PictureEncoder encoder =
        new PictureEncoder(order.output().format(), order.output().compression());
    if (order.stream()) {
      EventStream stream = new EventStream(context.response(), loop, settings.keepAlive());
      long id = Exchanges.id(context);
      new StreamAnswer(
              submission, answers, encoder, stream, loop, thrown -> errors.map(thrown, id).error())
          .send();
    } else {
      new PlainAnswer(context, submission, answers, encoder, store, address(context, order))
          .send(loop);
    }
    return Future.succeededFuture();
  }

  /** What stands before a stored picture's id; nothing where none is asked for. */
  private String address(RoutingContext context, PictureOrder order) {
    return order.output().address() ? base(context) + FileRoute.PREFIX : "";
  }

  private String base(RoutingContext context) {
    if (settings.publicUrl().isPresent()) {
      return settings.publicUrl().get().toString();
    }
    HostAndPort authority = context.request().authority();
    if (authority == null) {
      throw ApiException.invalid("The request has no Host header to make an address of.", null);
    }
    return context.request().scheme() + "://" + authority;
  }
}
