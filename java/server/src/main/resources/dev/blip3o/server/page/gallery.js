import { PictureStore } from "./picture-store.js";
import { Viewer } from "./viewer.js";

const byId = (id) => document.getElementById(id);

/** The pictures of this browser, as tiles that open. */
export class Gallery {
  #store = new PictureStore();
  #addresses = new Map();
  #viewer;

  /**
   * @param {{edit: (picture: object) => void, reuse: (picture: object) => void, say: (text: string) => void}} actions
   *     what to do with a picture, and how to tell of it
   */
  constructor(actions) {
    this.#viewer = new Viewer({ ...actions, remove: (picture) => this.#remove(picture, actions.say) });
    byId("gallery-clear").addEventListener("click", () => byId("confirm").showModal());
    byId("confirm").addEventListener("close", () => {
      if (byId("confirm").returnValue === "yes") {
        this.#clear(actions.say);
      }
    });
  }

  /** Shows what was kept. */
  async load() {
    await this.#guarded("The gallery can't be read", async () => {
      byId("gallery").replaceChildren(...(await this.#store.all()).map((picture) => this.#tile(picture)));
    });
    this.#count();
  }

  /** Keeps {@code picture} and shows it first. It is shown even where it can't be kept. */
  async add(picture) {
    await this.#guarded("This picture can't be kept", async () => {
      picture.id = await this.#store.add(picture);
    });
    byId("gallery").prepend(this.#tile(picture));
    this.#count();
  }

  /** Opens {@code picture}, of this or of an earlier visit. */
  open(picture) {
    this.#viewer.show(picture, this.#address(picture));
  }

  async #remove(picture, say) {
    await this.#guarded("This picture can't be deleted", async () => {
      if (picture.id !== undefined) {
        await this.#store.remove(picture.id);
      }
      const tile = this.#tileOf(picture);
      const neighbour = tile?.nextElementSibling ?? tile?.previousElementSibling;
      tile?.remove();
      this.#release(picture);
      this.#count();
      (neighbour?.querySelector("button") ?? byId("prompt")).focus();
      say("Picture deleted.");
    });
  }

  async #clear(say) {
    await this.#guarded("The gallery can't be emptied", async () => {
      await this.#store.clear();
      [...this.#addresses.keys()].forEach((picture) => this.#release(picture));
      byId("gallery").replaceChildren();
      this.#count();
      byId("prompt").focus();
      say("The gallery is empty.");
    });
  }

  #tile(picture) {
    const image = document.createElement("img");
    image.src = this.#address(picture);
    image.alt = picture.prompt;
    image.loading = "lazy";
    const button = document.createElement("button");
    button.type = "button";
    button.ariaLabel = `Open: ${picture.prompt}, seed ${picture.seed}`;
    button.append(image);
    button.addEventListener("click", () => this.open(picture));
    const tile = document.createElement("li");
    tile.append(button);
    tile.picture = picture;
    return tile;
  }

  #tileOf(picture) {
    return [...byId("gallery").children].find((tile) => tile.picture === picture);
  }

  #address(picture) {
    if (!this.#addresses.has(picture)) {
      this.#addresses.set(picture, URL.createObjectURL(picture.blob));
    }
    return this.#addresses.get(picture);
  }

  #release(picture) {
    URL.revokeObjectURL(this.#addresses.get(picture));
    this.#addresses.delete(picture);
  }

  #count() {
    const count = byId("gallery").childElementCount;
    byId("gallery-count").textContent = count === 0 ? "" : String(count);
    byId("gallery-clear").hidden = count === 0;
  }

  async #guarded(what, work) {
    const problem = byId("gallery-problem");
    problem.hidden = true;
    try {
      await work();
    } catch (failure) {
      problem.textContent = `${what}: ${failure?.message ?? failure}`;
      problem.hidden = false;
    }
  }
}
