const byId = (id) => document.getElementById(id);
const NAMES = {
  steps: "Steps",
  guidance_scale: "Guidance",
  temperature: "Temperature",
  top_k: "Top k",
  top_p: "Top p",
  output_format: "Format",
  output_compression: "Quality",
};

/** A picture in full, with what it was made from. */
export class Viewer {
  #picture = null;

  /**
   * @param {{edit: Function, reuse: Function, remove: Function}} actions each takes the picture
   */
  constructor(actions) {
    for (const name of ["edit", "reuse"]) {
      byId(`viewer-${name}`).addEventListener("click", () => this.#act(actions[name]));
    }
    byId("viewer-delete").addEventListener("click", () => this.#act(actions.remove));
    byId("viewer-close").addEventListener("click", () => byId("viewer").close());
    byId("viewer").addEventListener("click", (event) => {
      if (event.target === byId("viewer")) {
        byId("viewer").close();
      }
    });
  }

  /** Opens on {@code picture}, whose file is at {@code address}. */
  show(picture, address) {
    this.#picture = picture;
    const image = byId("viewer-image");
    image.src = address;
    image.alt = picture.prompt;
    byId("viewer-title").textContent = picture.prompt;
    byId("viewer-facts").replaceChildren(...facts(picture).flatMap(([name, value]) => fact(name, value)));
    const link = byId("viewer-download");
    link.href = address;
    link.download = fileName(picture);
    byId("viewer").showModal();
  }

  #act(action) {
    byId("viewer").close();
    action(this.#picture);
  }
}

function facts(picture) {
  const fields = new Map(picture.fields);
  const settings = Object.entries(NAMES).filter(([name]) => fields.has(name));
  return [
    ["Seed", picture.seed],
    ...settings.map(([name, shown]) => [shown, fields.get(name)]),
    ["Made", new Date(picture.created).toLocaleString()],
    ["From", picture.edited ? "an edit" : "words"],
  ];
}

function fact(name, value) {
  const term = document.createElement("dt");
  term.textContent = name;
  const description = document.createElement("dd");
  description.textContent = value;
  return [term, description];
}

function fileName(picture) {
  const words = picture.prompt.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60);
  const type = picture.blob.type.split("/")[1] ?? "png";
  return `${words || "picture"}-${picture.seed}.${type}`;
}
