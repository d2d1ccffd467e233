const SEED_LEAST = -(2n ** 63n);
const SEED_MOST = 2n ** 63n - 1n;
const NUMBERS = ["count", "steps", "guidance", "temperature", "top-k", "top-p", "compression"];
const DEFAULTS = { steps: "steps", guidance: "guidance_scale", temperature: "temperature", "top-k": "top_k", "top-p": "top_p" };
const LOSSLESS = "png";

/** The settings of the form: reads, checks and sets them. Numbers stay the text that was typed. */
export class Settings {
  #form;

  /** @param {HTMLFormElement} form with the fields' ids as index.html has them */
  constructor(form) {
    this.#form = form;
    this.#field("format").addEventListener("change", () => this.#showCompression());
    this.#showCompression();
  }

  /** Offers what {@code model} can do, and shows what it does unless told otherwise. */
  describe(model) {
    for (const [id, name] of Object.entries(DEFAULTS)) {
      if (typeof model[name] === "number") {
        this.#field(id).placeholder = `model: ${model[name]}`;
      }
    }
    for (const option of this.#field("format").options) {
      option.disabled = option.hidden = !(model.output_formats ?? [LOSSLESS]).includes(option.value);
    }
  }

  /**
   * Marks every field that is out of its range.
   *
   * @returns {HTMLElement | null} the first of them; null: all are good
   */
  check() {
    const bad = [this.#checkPrompt(), this.#checkSeed(), ...NUMBERS.map((id) => this.#checkNumber(id))].filter(Boolean);
    if (bad.some((field) => field.id !== "prompt")) {
      this.#form.querySelector("#settings").open = true;
    }
    return bad[0] ?? null;
  }

  /** The fields that the user set, under the API's names; not the seed. */
  fields() {
    const fields = new Map([["prompt", this.#field("prompt").value.trim()]]);
    for (const id of [...NUMBERS, "previews", "format"]) {
      const field = this.#field(id);
      if (field.value !== "" && !(id === "compression" && this.#lossless)) {
        fields.set(field.name, field.value);
      }
    }
    return fields;
  }

  /** The seed that was typed; if none was, a new one, so that the result can be repeated. */
  seed() {
    const typed = this.#field("seed").value.trim();
    return typed === "" ? String(crypto.getRandomValues(new Uint32Array(1))[0]) : String(BigInt(typed));
  }

  /** Fills the form with those of an earlier picture: one picture of that very seed. */
  show(fields, seed) {
    for (const id of ["prompt", ...NUMBERS]) {
      const field = this.#field(id);
      field.value = fields.get(field.name) ?? "";
      mark(field, "");
    }
    const format = this.#field("format");
    format.value = fields.get(format.name) ?? LOSSLESS;
    this.#showCompression();
    this.#field("count").value = "1";
    this.#field("seed").value = seed;
    this.#form.querySelector("#settings").open = true;
  }

  get #lossless() {
    return this.#field("format").value === LOSSLESS;
  }

  /** PNG loses nothing: there is no choice. */
  #showCompression() {
    this.#field("compression-row").hidden = this.#lossless;
  }

  #field(id) {
    return this.#form.querySelector(`#${id}`);
  }

  #checkPrompt() {
    const field = this.#field("prompt");
    return mark(field, field.value.trim() === "" ? "Write what the picture should show." : "");
  }

  #checkSeed() {
    const field = this.#field("seed");
    const text = field.value.trim();
    const whole = /^-?\d{1,19}$/.test(text);
    const good = text === "" || (whole && BigInt(text) >= SEED_LEAST && BigInt(text) <= SEED_MOST);
    return mark(field, good ? "" : "A whole number of at most 64 bits, or nothing.");
  }

  #checkNumber(id) {
    const field = this.#field(id);
    if (id === "compression" && this.#lossless) {
      return mark(field, "");
    }
    const { valid, badInput, stepMismatch, valueMissing } = field.validity;
    const missing = valueMissing || (id === "count" && field.value === "");
    const kind = field.step === "any" ? "A number" : "A whole number";
    const range = `${kind} from ${field.min} to ${field.max}.`;
    return mark(field, valid && !badInput && !stepMismatch && !missing ? "" : range);
  }
}

/** Shows {@code problem} at {@code field}; returns the field if there is one, else null. */
function mark(field, problem) {
  const text = document.getElementById(`${field.id}-problem`);
  text.textContent = problem;
  text.hidden = problem === "";
  field.setAttribute("aria-invalid", String(problem !== ""));
  return problem === "" ? null : field;
}
