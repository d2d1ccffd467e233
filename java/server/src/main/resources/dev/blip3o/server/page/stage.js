const byId = (id) => document.getElementById(id);

/** Where pictures come into being: previews, progress, results and errors of the request under way. */
export class Stage {
  #places = [];
  #addresses = [];
  #steps = 0;
  #began = 0;
  #clock = 0;
  #open;
  #say;

  /**
   * @param {(picture: object) => void} open opens a finished picture
   * @param {(text: string) => void} say tells it to a screen reader
   */
  constructor(open, say) {
    this.#open = open;
    this.#say = say;
    byId("error-close").addEventListener("click", () => {
      byId("error").hidden = true;
      byId("prompt").focus();
    });
  }

  /** A request for {@code count} pictures begins, each with {@code partials} previews. */
  begin(count, partials) {
    this.#addresses.splice(0).forEach((address) => URL.revokeObjectURL(address));
    this.#places = Array.from({ length: count }, (_, k) => place(k, count));
    byId("results").replaceChildren(...this.#places);
    byId("results").dataset.count = count;
    show("results");
    this.#steps = count * (partials + 1);
    this.#began = performance.now();
    byId("progress-bar").removeAttribute("value");
    this.#clock = setInterval(() => this.#tick(), 250);
    this.#tick();
    byId("progress").hidden = false;
    // On a phone it lies below the form, where nobody would see it come.
    byId("progress").scrollIntoView({ block: "nearest" });
    this.#say(count === 1 ? "Drawing." : `Drawing ${count} pictures.`);
  }

  /** A preview has come. */
  preview(index, number, blob) {
    const picture = this.#fill(index, blob);
    picture.alt = `Preview ${number + 1}`;
    this.#advance();
    this.#say(this.#places.length === 1 ? `Preview ${number + 1}.` : `Preview ${number + 1} of picture ${index + 1}.`);
  }

  /** A picture is finished. */
  finished(index, picture) {
    const image = this.#fill(index, picture.blob);
    image.alt = picture.prompt;
    const item = this.#places[index];
    item.classList.replace("coming", "done");
    const button = document.createElement("button");
    button.type = "button";
    button.ariaLabel = `Open: ${picture.prompt}, seed ${picture.seed}`;
    button.append(image);
    button.addEventListener("click", () => this.#open(picture));
    item.replaceChildren(button);
    this.#advance();
  }

  /** Nothing more comes. Places that stayed empty go. */
  end(message) {
    clearInterval(this.#clock);
    byId("progress").hidden = true;
    this.#places.filter((item) => !item.classList.contains("done")).forEach((item) => item.remove());
    if (byId("results").childElementCount === 0) {
      show("welcome");
    }
    this.#say(message);
  }

  /** Shows what went wrong, and goes there. */
  error(title, message) {
    byId("error-title").textContent = title;
    byId("error-text").textContent = message;
    byId("error").hidden = false;
    byId("error").focus();
  }

  /** No error any more. */
  clearError() {
    byId("error").hidden = true;
  }

  #fill(index, blob) {
    const address = URL.createObjectURL(blob);
    this.#addresses.push(address);
    const image = document.createElement("img");
    image.src = address;
    this.#places[index].replaceChildren(image);
    return image;
  }

  #advance() {
    const bar = byId("progress-bar");
    bar.max = this.#steps;
    bar.value = Math.min(this.#steps, (bar.hasAttribute("value") ? bar.value : 0) + 1);
  }

  #tick() {
    const done = this.#places.filter((item) => item.classList.contains("done")).length;
    const count = this.#places.length > 1 ? `, ${done} of ${this.#places.length} done` : "";
    const seconds = Math.floor((performance.now() - this.#began) / 1000);
    byId("progress-text").textContent = `Drawing for ${seconds} s${count}`;
  }
}

function place(index, count) {
  const item = document.createElement("li");
  item.className = "coming";
  item.ariaLabel = count === 1 ? "The picture" : `Picture ${index + 1} of ${count}`;
  return item;
}

function show(id) {
  byId("welcome").hidden = id !== "welcome";
  byId("results").hidden = id !== "results";
}
