const KEYBOARD_STEP = 1 / 32;
const UNDO_LIMIT = 20;
const PAINT = "rgb(236 72 153)";

/**
 * Paints a mask over a picture, with pointer or keyboard. The strokes lie on a canvas of the
 * picture's own size; the canvas on the page shows the picture, the strokes and the brush.
 */
export class MaskPainter {
  #canvas;
  #onChange;
  #picture = null;
  #strokes = document.createElement("canvas");
  #undo = [];
  #erasing = false;
  #size = 0.18;
  #cursor = { x: 0.5, y: 0.5 };
  #last = null;
  #cursorShown = false;

  /**
   * @param {HTMLCanvasElement} canvas where to paint
   * @param {(state: {painted: boolean, cursor: {x: number, y: number} | null}) => void} onChange hears what there is;
   *     the cursor, in shares of the picture, only if a key moved it
   */
  constructor(canvas, onChange) {
    this.#canvas = canvas;
    this.#onChange = onChange;
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#drag(event));
    canvas.addEventListener("pointerup", () => this.#release());
    canvas.addEventListener("pointercancel", () => this.#release());
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("focus", () => this.#showCursor(canvas.matches(":focus-visible")));
    canvas.addEventListener("blur", () => this.#showCursor(false));
  }

  /** Starts anew over {@code picture}, an ImageBitmap; null: there is nothing to paint on. */
  setPicture(picture) {
    this.#picture = picture;
    this.#undo = [];
    for (const canvas of [this.#canvas, this.#strokes]) {
      canvas.width = picture?.width ?? 1;
      canvas.height = picture?.height ?? 1;
    }
    this.#changed();
  }

  /** Whether the brush takes paint away. */
  setErasing(erasing) {
    this.#erasing = erasing;
    this.#draw();
  }

  /** The brush's diameter as a share of the picture's shorter side. */
  get size() {
    return this.#size;
  }

  set size(share) {
    this.#size = Math.min(0.6, Math.max(0.02, share));
    this.#draw();
  }

  /** Takes the last stroke back. */
  undo() {
    const before = this.#undo.pop();
    if (before) {
      this.#pen().putImageData(before, 0, 0);
      this.#changed();
    }
  }

  /** Takes every stroke away. */
  clear() {
    if (this.painted()) {
      this.#keep();
      this.#pen().clearRect(0, 0, this.#strokes.width, this.#strokes.height);
      this.#changed();
    }
  }

  /** Whether anything is painted. */
  painted() {
    const pixels = new Uint32Array(this.#allPixels().data.buffer);
    return pixels.some((pixel) => pixel !== 0);
  }

  /**
   * The mask as the API wants it: a PNG of the picture's size, transparent where it may change.
   *
   * @returns {Promise<Blob | null>} null: nothing is painted, so that all may change
   */
  async mask() {
    if (this.#picture === null || !this.painted()) {
      return null;
    }
    const { width, height } = this.#strokes;
    const result = new ImageData(width, height);
    const painted = this.#allPixels().data;
    for (let k = 3; k < painted.length; k += 4) {
      // A stroke's rim is half transparent: the mask has no halves.
      result.data[k] = painted[k] >= 128 ? 0 : 255;
    }
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext("2d").putImageData(result, 0, 0);
    return canvas.convertToBlob({ type: "image/png" });
  }

  #pen() {
    return this.#strokes.getContext("2d", { willReadFrequently: true });
  }

  #allPixels() {
    return this.#pen().getImageData(0, 0, this.#strokes.width, this.#strokes.height);
  }

  #keep() {
    this.#undo.push(this.#allPixels());
    if (this.#undo.length > UNDO_LIMIT) {
      this.#undo.shift();
    }
  }

  #press(event) {
    if (event.button !== 0 || this.#picture === null) {
      return;
    }
    this.#canvas.setPointerCapture(event.pointerId);
    this.#keep();
    this.#last = this.#place(event);
    this.#stroke(this.#last, this.#last);
    event.preventDefault();
    this.#canvas.focus({ preventScroll: true });
    this.#showCursor(false);
  }

  #drag(event) {
    if (this.#last !== null) {
      const place = this.#place(event);
      this.#stroke(this.#last, place);
      this.#last = place;
    }
  }

  #release() {
    if (this.#last !== null) {
      this.#last = null;
      this.#changed();
    }
  }

  #place(event) {
    const box = this.#canvas.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  }

  #key(event) {
    if (this.#picture === null || event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (move) {
      this.#move(move, event.shiftKey);
    } else if (event.key === " ") {
      this.#keep();
      this.#stroke(this.#cursor, this.#cursor);
      this.#changed(this.#cursor);
    } else if (event.key === "+" || event.key === "=") {
      this.size += 0.02;
    } else if (event.key === "-") {
      this.size -= 0.02;
    } else {
      return;
    }
    event.preventDefault();
  }

  #move([right, down], painting) {
    const from = this.#cursor;
    const inside = (value) => Math.min(1, Math.max(0, value));
    this.#cursor = { x: inside(from.x + right * KEYBOARD_STEP), y: inside(from.y + down * KEYBOARD_STEP) };
    if (painting) {
      this.#keep();
      this.#stroke(from, this.#cursor);
    }
    this.#cursorShown = true;
    this.#changed(this.#cursor);
  }

  #stroke(from, to) {
    const pen = this.#pen();
    const { width, height } = this.#strokes;
    pen.globalCompositeOperation = this.#erasing ? "destination-out" : "source-over";
    pen.strokeStyle = PAINT;
    pen.lineWidth = this.#brushPixels();
    pen.lineCap = "round";
    pen.beginPath();
    pen.moveTo(from.x * width, from.y * height);
    pen.lineTo(to.x * width, to.y * height + 0.01);
    pen.stroke();
    this.#draw();
  }

  #brushPixels() {
    return this.#size * Math.min(this.#strokes.width, this.#strokes.height);
  }

  #showCursor(shown) {
    this.#cursorShown = shown;
    this.#draw();
  }

  #changed(cursor = null) {
    this.#draw();
    this.#onChange({ painted: this.painted(), cursor });
  }

  #draw() {
    const view = this.#canvas.getContext("2d");
    view.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    if (this.#picture === null) {
      return;
    }
    view.drawImage(this.#picture, 0, 0);
    view.globalAlpha = 0.6;
    view.drawImage(this.#strokes, 0, 0);
    view.globalAlpha = 1;
    if (this.#cursorShown) {
      this.#drawCursor(view);
    }
  }

  /** White in black: seen on every picture. */
  #drawCursor(view) {
    const { width, height } = this.#canvas;
    const thin = Math.max(1, Math.min(width, height) / 160);
    for (const [color, line] of [["black", 3 * thin], ["white", thin]]) {
      view.strokeStyle = color;
      view.lineWidth = line;
      view.beginPath();
      view.arc(this.#cursor.x * width, this.#cursor.y * height, this.#brushPixels() / 2, 0, 2 * Math.PI);
      view.stroke();
    }
  }
}
