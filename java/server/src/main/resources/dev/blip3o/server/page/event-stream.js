/**
 * The events of a stream of server-sent events. The browser's own EventSource sends no POST.
 *
 * @param {ReadableStream<Uint8Array>} body in pieces of any size
 * @yields {{name: string, data: string}} comments and empty events are left out
 */
export async function* eventsOf(body) {
  const lines = new Lines();
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let event = emptyEvent();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      for (const line of lines.add(value)) {
        if (line !== "") {
          addField(event, line);
          continue;
        }
        if (event.data.length > 0) {
          yield { name: event.name, data: event.data.join("\n") };
        }
        event = emptyEvent();
      }
    }
  } finally {
    // Also when the reader of the events stops early: the server then hears that nobody listens.
    await reader.cancel().catch(() => {});
  }
}

function emptyEvent() {
  return { name: "message", data: [] };
}

function addField(event, line) {
  const colon = line.indexOf(":");
  const field = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (field === "event") {
    event.name = value;
  } else if (field === "data") {
    event.data.push(value);
  }
}

/** Cuts text that comes in pieces into lines that end with CR LF, LF or CR. */
class Lines {
  #pieces = [];
  #afterReturn = false;

  /** The lines that {@code text} completes. A picture's line comes in many pieces: they are joined once. */
  add(text) {
    const lines = [];
    let start = 0;
    for (let at = nextEnd(text, 0); at >= 0; at = nextEnd(text, start)) {
      const half = this.#afterReturn && at === 0 && text[0] === "\n";
      if (!half) {
        this.#pieces.push(text.slice(start, at));
        lines.push(this.#pieces.join(""));
        this.#pieces = [];
      }
      const pair = text[at] === "\r" && text[at + 1] === "\n";
      start = at + (pair ? 2 : 1);
      this.#afterReturn = text[at] === "\r" && start === text.length && !pair;
    }
    if (start < text.length) {
      this.#pieces.push(text.slice(start));
      this.#afterReturn = false;
    }
    return lines;
  }
}

function nextEnd(text, from) {
  const feed = text.indexOf("\n", from);
  const carriage = text.slice(from, feed < 0 ? undefined : feed).indexOf("\r");
  return carriage < 0 ? feed : from + carriage;
}
