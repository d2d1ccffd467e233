import { firstModel } from "./api.js";
import { Drawing } from "./drawing.js";
import { Gallery } from "./gallery.js";
import { MaskPainter } from "./mask-painter.js";
import { References } from "./references.js";
import { Settings } from "./settings.js";
import { Stage } from "./stage.js";
import { chooseThemeWith } from "./theme.js";

const KEY = "blip3o.key";
const UNAUTHORIZED = 401;
const EXAMPLES = [
  "a red circle to the left of a blue square",
  "two green squares",
  "a large blue star on a gray background",
];

const byId = (id) => document.getElementById(id);
const settings = new Settings(byId("form"));
const painter = new MaskPainter(byId("mask-canvas"), tellMask);
const references = new References(byId("references"), referencesChanged);
const gallery = new Gallery({ edit: editPicture, reuse: reusePicture, say });
const drawing = new Drawing(new Stage((picture) => gallery.open(picture), say), gallery);

/** Tells it to who can't see it. */
function say(text) {
  byId("status").textContent = text;
}

async function submit(event) {
  event?.preventDefault();
  if (drawing.running) {
    return;
  }
  clearError();
  const bad = settings.check();
  if (bad) {
    bad.focus();
    return;
  }
  setRunning(true);
  const error = await drawing.run(await currentRequest(), byId("key").value.trim());
  setRunning(false);
  if (error?.status === UNAUTHORIZED) {
    byId("settings").open = true;
    byId("key").focus();
  }
}

function clearError() {
  byId("error").hidden = true;
}

async function currentRequest() {
  return {
    fields: settings.fields(),
    seed: settings.seed(),
    pictures: references.blobs(),
    mask: await painter.mask(),
  };
}

function setRunning(running) {
  const cancelHadFocus = document.activeElement === byId("cancel");
  byId("submit").disabled = running;
  byId("cancel").hidden = !running;
  if (running) {
    byId("cancel").focus();
  } else if (cancelHadFocus) {
    byId("submit").focus();
  }
}

function referencesChanged(first, count) {
  const edit = count > 0;
  byId("mask").hidden = !edit;
  byId("prompt-label").textContent = edit ? "Say what to change" : "Describe a picture";
  byId("prompt").placeholder = edit ? "make the red circle green" : EXAMPLES[0];
  byId("submit").textContent = edit ? "Edit" : "Draw";
  byId("prompt-hint").textContent = edit ? "Ctrl + Enter edits it." : "Ctrl + Enter draws it.";
  painter.setPicture(first);
}

function tellMask({ painted, cursor }) {
  const what = painted ? "Only what is painted may change." : "Everything may change.";
  const percent = (share) => Math.round(100 * share);
  const where = cursor ? ` Brush at ${percent(cursor.x)} % from the left, ${percent(cursor.y)} % from the top.` : "";
  byId("mask-state").textContent = what + where;
}

async function addFiles(files) {
  const pictures = [...files];
  if (pictures.length > 0) {
    showFileProblem(await references.add(pictures));
  }
}

function showFileProblem(problem) {
  byId("file-problem").textContent = problem;
  byId("file-problem").hidden = problem === "";
}

async function editPicture(picture) {
  const type = picture.blob.type.split("/")[1];
  showFileProblem(await references.replace(new File([picture.blob], `picture.${type}`, { type: picture.blob.type })));
  byId("prompt").value = "";
  byId("prompt").focus();
}

function reusePicture(picture) {
  settings.show(new Map(picture.fields), picture.seed);
  byId("prompt").focus();
}

function listenToForm() {
  byId("form").addEventListener("submit", submit);
  byId("prompt").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      submit(event);
    }
  });
  byId("cancel").addEventListener("click", () => drawing.cancel());
  document.addEventListener("keydown", (event) => {
    // A dialog that is open takes Escape for itself.
    if (event.key === "Escape" && document.querySelector("dialog[open]") === null) {
      drawing.cancel();
    }
  });
  byId("seed-clear").addEventListener("click", () => {
    byId("seed").value = "";
    byId("seed").focus();
  });
}

function listenToPictures() {
  byId("file").addEventListener("change", async (event) => {
    await addFiles(event.target.files);
    event.target.value = "";
  });
  document.addEventListener("paste", (event) => addFiles(event.clipboardData.files));
  // Beside the field too: a picture that misses it must not take the page's place.
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    byId("drop").classList.add("over");
  });
  document.addEventListener("dragleave", () => byId("drop").classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    byId("drop").classList.remove("over");
    addFiles(event.dataTransfer.files);
  });
}

function listenToBrush() {
  const choose = (erasing) => {
    painter.setErasing(erasing);
    byId("brush-paint").ariaPressed = String(!erasing);
    byId("brush-erase").ariaPressed = String(erasing);
  };
  byId("brush-paint").addEventListener("click", () => choose(false));
  byId("brush-erase").addEventListener("click", () => choose(true));
  byId("brush-size").addEventListener("input", (event) => (painter.size = event.target.value / 100));
  byId("mask-canvas").addEventListener("keyup", () => (byId("brush-size").value = Math.round(100 * painter.size)));
  byId("mask-undo").addEventListener("click", () => painter.undo());
  byId("mask-clear").addEventListener("click", () => painter.clear());
}

function showExamples() {
  const items = EXAMPLES.map((text) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet small";
    button.textContent = text;
    button.addEventListener("click", () => {
      byId("prompt").value = text;
      byId("prompt").focus();
    });
    const item = document.createElement("li");
    item.append(button);
    return item;
  });
  byId("examples").replaceChildren(...items);
}

/** The key lives as long as the tab: a shared browser doesn't keep it. */
function keepKey() {
  const field = byId("key");
  try {
    field.value = sessionStorage.getItem(KEY) ?? "";
    field.addEventListener("change", () => sessionStorage.setItem(KEY, field.value.trim()));
    // A server that asks for a key describes its model only then.
    field.addEventListener("change", showModel);
  } catch {
    // Then it lasts as long as the page.
  }
}

async function showModel() {
  const model = await firstModel(byId("key").value.trim());
  if (model !== null) {
    byId("model").textContent = model.size ? `${model.id} · ${model.size.replace("x", " × ")}` : model.id;
    settings.describe(model);
  }
}

chooseThemeWith(byId("theme"));
keepKey();
showExamples();
listenToForm();
listenToPictures();
listenToBrush();
await Promise.all([gallery.load(), showModel()]);
// Tests and impatient hands know by it that everything listens.
document.documentElement.dataset.ready = "true";
