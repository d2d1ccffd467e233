import { ApiError, draw } from "./api.js";

/** The one request under way: from the press of the button to its last picture. */
export class Drawing {
  #stage;
  #gallery;
  #abort = null;

  constructor(stage, gallery) {
    this.#stage = stage;
    this.#gallery = gallery;
  }

  /** Whether one is under way. */
  get running() {
    return this.#abort !== null;
  }

  /** Stops it; the server hears of it by the connection's end. */
  cancel() {
    this.#abort?.abort();
  }

  /**
   * Draws, shows and keeps.
   *
   * @param request as api.js has it
   * @param {string} key the bearer key; empty: none
   * @returns {Promise<ApiError | null>} what went wrong
   */
  async run(request, key) {
    this.#abort = new AbortController();
    const count = Number(request.fields.get("n"));
    this.#stage.begin(count, request.pictures.length > 0);
    let done = 0;
    try {
      for await (const event of draw(request, key, this.#abort.signal)) {
        done += event.done ? 1 : 0;
        await this.#show(request, event);
      }
      this.#checkAll(done, count);
      this.#stage.end(done === 1 ? "The picture is done." : `${done} pictures are done.`);
      return null;
    } catch (failure) {
      return this.#failed(failure);
    } finally {
      this.#abort = null;
    }
  }

  async #show(request, picture) {
    if (picture.progress) {
      this.#stage.advance(picture.index, picture.progress);
      return;
    }
    if (!picture.done) {
      this.#stage.preview(picture.index, picture.partial, picture.blob);
      return;
    }
    const kept = {
      blob: picture.blob,
      prompt: request.fields.get("prompt"),
      fields: [...request.fields],
      seed: picture.seed ?? String(BigInt.asIntN(64, BigInt(request.seed) + BigInt(picture.index))),
      edited: request.pictures.length > 0,
      created: Date.now(),
    };
    this.#stage.finished(picture.index, kept);
    await this.#gallery.add(kept);
  }

  #checkAll(done, count) {
    if (done < count) {
      throw new ApiError("The answer broke off", `The server sent ${done} of ${count} pictures. Try again.`);
    }
  }

  #failed(failure) {
    if (this.#abort.signal.aborted) {
      this.#stage.end("Cancelled.");
      return null;
    }
    this.#stage.end("");
    const error =
      failure instanceof ApiError
        ? failure
        : new ApiError("The answer broke off", "The connection to the server was lost. Try again.");
    this.#stage.error(error.title, error.message);
    return error;
  }
}
