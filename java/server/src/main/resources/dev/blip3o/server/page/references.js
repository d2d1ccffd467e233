const LIMIT = 16;
const SENT_AS_THEY_ARE = ["image/png", "image/jpeg"];

/** The pictures to edit, in their order: dropped, pasted, chosen, or from the gallery. */
export class References {
  #pictures = [];
  #list;
  #onChange;

  /**
   * @param {HTMLUListElement} list shows them
   * @param {(first: ImageBitmap | null, count: number) => void} onChange hears when there are others
   */
  constructor(list, onChange) {
    this.#list = list;
    this.#onChange = onChange;
  }

  /** The files, as they will be sent. */
  blobs() {
    return this.#pictures.map((picture) => picture.blob);
  }

  /**
   * Adds pictures behind those that are there.
   *
   * @param {Iterable<Blob>} files of any format that the browser can show
   * @returns {Promise<string>} what is wrong with some of them; empty: nothing
   */
  async add(files) {
    const problems = [];
    for (const file of files) {
      const problem = await this.#addOne(file);
      if (problem !== "") {
        problems.push(problem);
      }
    }
    this.#changed();
    return problems.join(" ");
  }

  /** Takes {@code file} in place of all. */
  async replace(file) {
    this.#pictures.splice(0).forEach(release);
    return this.add([file]);
  }

  async #addOne(file) {
    if (this.#pictures.length >= LIMIT) {
      return `There may be ${LIMIT} pictures; more were left out.`;
    }
    try {
      const bitmap = await createImageBitmap(file);
      const blob = SENT_AS_THEY_ARE.includes(file.type) ? file : await asPng(bitmap);
      this.#pictures.push({ blob, bitmap, name: file.name ?? "picture", address: URL.createObjectURL(blob) });
      return "";
    } catch {
      return `${file.name ?? "This"} is no picture that this browser can read.`;
    }
  }

  #remove(index) {
    this.#pictures.splice(index, 1).forEach(release);
    this.#changed();
    const next = this.#list.querySelectorAll("button")[Math.min(index, this.#pictures.length - 1)];
    (next ?? document.getElementById("file")).focus();
  }

  #changed() {
    this.#list.replaceChildren(...this.#pictures.map((picture, index) => this.#item(picture, index)));
    this.#list.hidden = this.#pictures.length === 0;
    this.#onChange(this.#pictures[0]?.bitmap ?? null, this.#pictures.length);
  }

  #item(picture, index) {
    const image = document.createElement("img");
    image.src = picture.address;
    image.alt = `Picture ${index + 1}: ${picture.name}`;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "×";
    button.ariaLabel = `Remove picture ${index + 1}`;
    button.addEventListener("click", () => this.#remove(index));
    const item = document.createElement("li");
    item.append(image, button);
    return item;
  }
}

function release(picture) {
  URL.revokeObjectURL(picture.address);
  picture.bitmap.close();
}

function asPng(bitmap) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
