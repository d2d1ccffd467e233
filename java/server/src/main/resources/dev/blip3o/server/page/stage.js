import { Progress } from "./progress.js";

const byId = (id) => document.getElementById(id);

/** Where pictures come into being: previews, progress, results and errors of the request under way. */
export class Stage {
  #places = [];
  #addresses = [];
  #progress = new Progress(0);
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

  /** A request for {@code count} pictures begins, which are edits or not. */
  begin(count, edits) {
    this.#addresses.splice(0).forEach((address) => URL.revokeObjectURL(address));
    this.#places = Array.from({ length: count }, (_, k) => place(k, count));
    byId("results").replaceChildren(...this.#places);
    byId("results").dataset.count = count;
    show("results");
    this.#progress = new Progress(count);
    this.#began = performance.now();
    byId("progress-stages").querySelector("[data-stage=encode]").hidden = !edits;
    this.#clock = setInterval(() => this.#tick(), 250);
    this.#tick();
    this.#showProgress();
    byId("progress").hidden = false;
    // On a phone it lies below the form, where nobody would see it come.
    byId("progress").scrollIntoView({ block: "nearest" });
    this.#say(count === 1 ? "Drawing." : `Drawing ${count} pictures.`);
  }

  /** A picture has gone on, as progress.js has it. */
  advance(index, progress) {
    this.#progress.advance(index, progress);
    this.#places[index].dataset.doing = this.#progress.text(index);
    this.#showProgress();
  }

  /** A preview has come. */
  preview(index, number, blob) {
    const picture = this.#fill(index, blob);
    picture.alt = `Preview ${number + 1}`;
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
    this.#progress.finish(index);
    this.#showProgress();
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

  #showProgress() {
    const { current, share, stage } = this.#progress;
    const several = this.#places.length > 1;
    const doing = current < this.#places.length ? this.#progress.text(current) : "Done";
    const text = several && current < this.#places.length ? `Picture ${current + 1}: ${doing}` : doing;
    const bar = byId("progress-bar");
    bar.value = Math.round(100 * share);
    bar.setAttribute("aria-valuetext", `${text}, ${bar.value} percent`);
    byId("progress-stage").textContent = text;
    byId("progress-percent").textContent = `${bar.value} %`;
    markStage(stage);
  }

  #tick() {
    const count = this.#places.length > 1 ? `, ${this.#progress.finished} of ${this.#places.length} done` : "";
    const seconds = Math.floor((performance.now() - this.#began) / 1000);
    byId("progress-text").textContent = `Drawing for ${seconds} s${count}`;
  }
}

/** The stages before {@code stage} are over, it is under way, the others are to come. */
function markStage(stage) {
  const items = [...byId("progress-stages").children];
  const at = items.findIndex((item) => item.dataset.stage === stage);
  items.forEach((item, k) => {
    item.className = at < 0 || k < at ? "over" : k === at ? "now" : "";
  });
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
