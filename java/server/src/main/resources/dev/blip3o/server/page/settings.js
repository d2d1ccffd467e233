const SEED_LEAST = -(2n ** 63n);
const SEED_MOST = 2n ** 63n - 1n;
const NUMBERS = ["count", "steps", "guidance", "temperature", "top-k", "top-p"];

/** The settings of the form: reads, checks and sets them. Numbers stay the text that was typed. */
export class Settings {
  #form;

  /** @param {HTMLFormElement} form with the fields' ids as index.html has them */
  constructor(form) {
    this.#form = form;
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
    for (const id of [...NUMBERS, "previews"]) {
      const field = this.#field(id);
      if (field.value !== "") {
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
    this.#field("count").value = "1";
    this.#field("seed").value = seed;
    this.#form.querySelector("#settings").open = true;
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
