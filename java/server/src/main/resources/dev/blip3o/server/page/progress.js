/**
 * How far each picture of a request is. The stages have shares of the whole by what they usually take, so that the bar
 * goes on evenly and never back.
 */
const STAGES = [
  { name: "encode", share: 0.05, text: () => "Reading the pictures" },
  { name: "tokens", share: 0.45, text: (done, total) => `Token ${done} of ${total}` },
  { name: "steps", share: 0.45, text: (done, total) => `Step ${done} of ${total}` },
  { name: "decode", share: 0.05, text: () => "Finishing" },
];

/** The pictures of one request, from 0. */
export class Progress {
  #pictures;

  constructor(count) {
    this.#pictures = Array.from({ length: count }, () => ({ share: 0, stage: "queued", text: "Waiting" }));
  }

  /** A picture has gone on: {@code done} of {@code total} units of {@code stage}. */
  advance(index, { stage, done, total }) {
    const picture = this.#pictures[index];
    const at = STAGES.findIndex(({ name }) => name === stage);
    if (at < 0) {
      picture.text = done > 0 ? `Waiting behind ${done} other${done === 1 ? "" : "s"}` : "Waiting";
      return;
    }
    const before = STAGES.slice(0, at).reduce((sum, { share }) => sum + share, 0);
    const within = total > 0 ? Math.min(1, done / total) : 0;
    picture.share = Math.max(picture.share, before + within * STAGES[at].share);
    picture.stage = stage;
    picture.text = STAGES[at].text(done, total);
  }

  /** A picture is there. */
  finish(index) {
    this.#pictures[index] = { share: 1, stage: "done", text: "Done" };
  }

  /** What a picture is at, for people. */
  text(index) {
    return this.#pictures[index].text;
  }

  /** What the first unfinished picture is at: a stage of the API's, {@code queued} or {@code done}. */
  get stage() {
    return this.#pictures[this.current]?.stage ?? "done";
  }

  /** The first unfinished picture; as many as there are pictures: none. */
  get current() {
    const at = this.#pictures.findIndex(({ stage }) => stage !== "done");
    return at < 0 ? this.#pictures.length : at;
  }

  /** How many pictures are there. */
  get finished() {
    return this.#pictures.filter(({ stage }) => stage === "done").length;
  }

  /** Of all pictures together, from 0 to 1. */
  get share() {
    return this.#pictures.reduce((sum, { share }) => sum + share, 0) / this.#pictures.length;
  }
}
