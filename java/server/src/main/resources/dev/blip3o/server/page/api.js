import { eventsOf } from "./event-stream.js";

/** Fields that are no numbers. */
const TEXTS = new Set(["prompt", "output_format"]);

/** What the server, or the way to it, said against a request. */
export class ApiError extends Error {
  /**
   * @param {string} title in a few words
   * @param {string} message what is wrong and what to do
   * @param {number} status of HTTP; 0: there was no answer, or the failure came within a stream
   */
  constructor(title, message, status = 0) {
    super(message);
    this.title = title;
    this.status = status;
  }
}

/** The model that the server lists first, as it describes it; null if it doesn't tell. */
export async function firstModel(key) {
  try {
    const answer = await fetch("v1/models", { headers: headers(key) });
    return answer.ok ? ((await answer.json()).data[0] ?? null) : null;
  } catch {
    return null;
  }
}

/**
 * Draws pictures, or edits some, and tells how they come along.
 *
 * @param {{fields: Map<string, string>, seed: string, pictures: Blob[], mask: Blob | null}} request numbers as text
 * @param {string} key the bearer key; empty: none
 * @param {AbortSignal} signal cancels the work
 * @yields {{index: number, progress: {stage: string, done: number, total: number}} | {index: number, done: boolean,
 *     blob: Blob, seed: string | null, partial: number}} of picture {@code index}: how far it is, or what it looks like
 * @throws {ApiError} if the server refuses or fails
 */
export async function* draw(request, key, signal) {
  const answer = await send(request, key, signal);
  if (!answer.ok) {
    throw await refusal(answer);
  }
  for await (const event of eventsOf(answer.body)) {
    yield* understood(event);
  }
}

function send(request, key, signal) {
  const edit = request.pictures.length > 0;
  const body = edit ? formOf(request) : jsonOf(request);
  const type = edit ? {} : { "Content-Type": "application/json" };
  return fetch(edit ? "v1/images/edits" : "v1/images/generations", {
    method: "POST",
    body,
    headers: { ...type, Accept: "text/event-stream", ...headers(key) },
    signal,
  }).catch((failure) => {
    throw signal.aborted ? failure : new ApiError("No answer", "The server can't be reached. Is it running?");
  });
}

function headers(key) {
  return key === "" ? {} : { Authorization: `Bearer ${key}` };
}

function formOf(request) {
  const form = new FormData();
  for (const [name, value] of request.fields) {
    form.append(name, value);
  }
  form.append("seed", request.seed);
  form.append("stream", "true");
  form.append("progress", "true");
  request.pictures.forEach((picture, k) => form.append("image[]", picture, `picture-${k + 1}.${extension(picture)}`));
  if (request.mask !== null) {
    form.append("mask", request.mask, "mask.png");
  }
  return form;
}

function extension(picture) {
  return picture.type === "image/jpeg" ? "jpg" : "png";
}

/** Numbers are written as they were typed: a seed has 64 bits, which JavaScript's numbers haven't. */
function jsonOf(request) {
  const members = [`"stream":true`, `"progress":true`, `"seed":${request.seed}`];
  for (const [name, value] of request.fields) {
    members.push(`${JSON.stringify(name)}:${TEXTS.has(name) ? JSON.stringify(value) : Number(value)}`);
  }
  return `{${members.join(",")}}`;
}

async function* understood({ name, data }) {
  const content = parsed(data);
  if (content.error) {
    throw new ApiError("The drawing failed", content.error.message);
  }
  if (name.endsWith(".progress")) {
    yield { index: content.index ?? 0, progress: content };
  }
  const done = name.endsWith(".completed");
  if (done || name.endsWith(".partial_image")) {
    yield {
      done,
      index: content.index ?? 0,
      blob: blobOf(content.b64_json, content.output_format),
      seed: seedIn(data),
      partial: content.partial_image_index ?? 0,
    };
  }
}

function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    throw new ApiError("The answer can't be read", "The server sent an event that is not JSON.");
  }
}

/** The digits themselves, for the same reason as in jsonOf; base 64 has no quotes that could mislead. */
function seedIn(data) {
  return /"seed"\s*:\s*(-?\d+)/.exec(data)?.[1] ?? null;
}

/** A previewed or finished picture. */
function blobOf(base64, format) {
  const binary = atob(base64);
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: `image/${format ?? "png"}` });
}

async function refusal(answer) {
  const content = await answer.json().catch(() => ({}));
  const message = content.error?.message ?? `The server answered ${answer.status} ${answer.statusText}.`;
  const wait = answer.headers.get("Retry-After");
  const later = wait === null ? "" : ` Try again in ${wait} s.`;
  return new ApiError(titleOf(answer.status), message + later, answer.status);
}

function titleOf(status) {
  switch (status) {
    case 401:
      return "The server asks for a key";
    case 413:
      return "Too large";
    case 429:
      return "Too much at once";
    case 503:
      return "Not available now";
    default:
      return status >= 500 ? "The server failed" : "The server refuses this";
  }
}
