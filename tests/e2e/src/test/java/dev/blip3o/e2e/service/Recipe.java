package dev.blip3o.e2e.service;

import dev.blip3o.Blip3oModel;
import dev.blip3o.CancellationToken;
import dev.blip3o.EditRequest;
import dev.blip3o.GeneratedImage;
import dev.blip3o.ImageRequest;
import dev.blip3o.InputImage;
import dev.blip3o.PictureRequest;
import dev.blip3o.Pixels;
import dev.blip3o.ProgressListener;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A request, and what it yields when nothing else runs.
 *
 * @param request with its seed
 * @param pixels of its single run
 */
public record Recipe(PictureRequest request, Pixels pixels) {
  /**
   * Requests of every kind, with few steps, each run alone on {@code model}. The last one takes the
   * most memory.
   */
  public static List<Recipe> single(Blip3oModel model, Path edits) {
    List<Recipe> recipes = new ArrayList<>();
    for (PictureRequest request : requests(edits)) {
      recipes.add(new Recipe(request, run(model, request).pixels()));
    }
    return List.copyOf(recipes);
  }

  /** Waits for one picture. */
  static GeneratedImage run(Blip3oModel model, PictureRequest request) {
    return run(model, request, ProgressListener.NONE, new CancellationToken());
  }

  /** Waits for one picture. */
  static GeneratedImage run(
      Blip3oModel model,
      PictureRequest request,
      ProgressListener listener,
      CancellationToken token) {
    return request instanceof EditRequest edit
        ? model.edit(edit, listener, token)
        : model.generate((ImageRequest) request, listener, token);
  }

  private static List<PictureRequest> requests(Path edits) {
    InputImage first = InputImage.read(edits.resolve("000.png"));
    InputImage second = InputImage.read(edits.resolve("001.png"));
    // Longer than two chunks of a prefill.
    String story = "a red circle and a blue square ".repeat(40).trim();
    return List.of(
        ImageRequest.builder("a red circle").seed(1).steps(2).build(),
        ImageRequest.builder("a red circle").seed(2).steps(3).guidance(1).build(),
        ImageRequest.builder("three purple triangles").seed(3).steps(4).build(),
        ImageRequest.builder("an orange cross").seed(4).steps(1).temperature(0).build(),
        ImageRequest.builder("a blue star below a green square").seed(5).steps(6).build(),
        ImageRequest.builder(story).seed(6).steps(2).topK(20).build(),
        ImageRequest.builder(story).seed(7).steps(1).guidance(1).build(),
        ImageRequest.builder("a yellow star").seed(8).steps(4).initialImage(first, 0.5).build(),
        ImageRequest.builder("a black cross").seed(9).steps(3).initialImage(second, 0.7).build(),
        EditRequest.builder("change the orange square to purple", first).seed(10).steps(2).build(),
        EditRequest.builder("remove the square", first, second).seed(11).steps(1).build(),
        EditRequest.builder("make it blue", second).seed(12).steps(3).strength(0.6).build(),
        EditRequest.builder("remove the square", Collections.nCopies(6, first))
            .seed(13)
            .steps(1)
            .build());
  }
}
