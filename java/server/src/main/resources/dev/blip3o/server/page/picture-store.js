const NAME = "blip3o";
const PICTURES = "pictures";

/**
 * The pictures that this browser keeps, in its IndexedDB: {id, blob, prompt, fields, seed, edited, created}.
 * Every method rejects with the browser's own error, for example where there is no room.
 */
export class PictureStore {
  #database;

  /** Keeps {@code picture}; tells its id. */
  add(picture) {
    return this.#run("readwrite", (pictures) => pictures.add(picture));
  }

  /** All of them, the newest first. */
  async all() {
    return (await this.#run("readonly", (pictures) => pictures.getAll())).reverse();
  }

  /** Forgets one. */
  remove(id) {
    return this.#run("readwrite", (pictures) => pictures.delete(id));
  }

  /** Forgets all. */
  clear() {
    return this.#run("readwrite", (pictures) => pictures.clear());
  }

  async #run(mode, work) {
    this.#database ??= open();
    const database = await this.#database;
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(PICTURES, mode);
      const request = work(transaction.objectStore(PICTURES));
      // Only a transaction that is complete has kept anything.
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  }
}

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(PICTURES, { keyPath: "id", autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("another tab holds the gallery"));
  });
}
