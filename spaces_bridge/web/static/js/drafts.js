// What is being said right now: drafts of utterances, each until its final, its withdrawal, or a
// silence that says its end was lost on the way.

import { unitsOf } from "./lines.js";

const SILENCE_MS = 10000;

/** @typedef {Frames.DraftFrame & {solid: number}} Draft `solid`: UTF-16 units that stay as they are. */

export class Drafts {
  /** @type {Map<string, Draft>} */
  #drafts = new Map(); // id -> draft, in the order they began
  /** @type {Map<string, number>} */
  #timers = new Map();
  #changed;

  /**
   * `changed(drafts)` hears of every change.
   * @param {(drafts: Draft[]) => void} changed
   */
  constructor(changed) {
    this.#changed = changed;
  }

  /**
   * A frame that is not final. No text: it is withdrawn.
   * @param {Frames.DraftFrame} frame
   */
  take(frame) {
    if (!frame.text) return this.end(frame.id);
    const draft = { ...frame, solid: unitsOf(frame.text, frame.committed ?? 0) };
    this.#drafts.set(frame.id, draft);
    clearTimeout(this.#timers.get(frame.id));
    this.#timers.set(frame.id, setTimeout(() => this.end(frame.id), SILENCE_MS));
    this.#tell();
  }

  /** @param {string} id */
  end(id) {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    if (this.#drafts.delete(id)) this.#tell();
  }

  clear() {
    for (const id of [...this.#drafts.keys()]) this.end(id);
  }

  #tell() {
    this.#changed([...this.#drafts.values()]);
  }
}
