// What the page knows, and who wants to hear of it: the views hang on here.
//
// `state` is what the last hello, space, roster and role said. Views register with `on(kind, …)`:
// "change" comes after any of those, any other kind is a frame of the feed, whole.

/** @import { Draft } from "./drafts.js" */
/** @import { Listener } from "./listener.js" */
/** @import { Microphone } from "./microphone.js" */

/**
 * @typedef {Omit<Frames.HelloFrame, "type">} State
 * @typedef {Exclude<Frames.Server, {type: "space" | "roster" | "role"}>} Told
 * @typedef {{[Type in Told["type"]]: Extract<Told, {type: Type}>}} FramesByType
 * @typedef {FramesByType & {change: State, drafts: Draft[], left: undefined}} News
 * @typedef {{[Kind in keyof News]?: ((value: News[Kind]) => void)[]}} Watchers
 * @typedef {object} Parts
 * @property {Listener} listener
 * @property {Microphone} microphone
 * @property {(name: string, then: () => void) => void} nameMe Become a guest with a name.
 * @property {() => void} stop No sound, no microphone, no feed from here on.
 */

export class Page {
  /** @type {State | null} */
  state = null;
  #over = false;
  /** @type {Watchers} */
  // no prototype: a stranger's `__proto__` is a kind like any other that nobody watches
  #watchers = Object.create(null);
  #send;

  /**
   * `send(frame)` puts a frame on the feed; `at(path)` makes an address below the page's.
   *
   * @param {(frame: Frames.Client) => boolean} send
   * @param {(path: string) => string} at
   * @param {Parts} parts
   */
  constructor(send, at, { listener, microphone, nameMe, stop }) {
    this.#send = send;
    this.at = at;
    this.listener = listener;
    this.microphone = microphone;
    this.nameMe = nameMe;
    this.stop = stop;
  }

  /**
   * @template {keyof News} Kind
   * @param {Kind} kind
   * @param {(value: News[Kind]) => void} watcher
   */
  on(kind, watcher) {
    const all = [...(this.#watchers[kind] ?? []), watcher];
    this.#watchers[kind] = /** @type {Watchers[Kind]} */ (all);
  }

  /**
   * @template {keyof News} Kind
   * @param {Kind} kind
   * @param {News[Kind]} value
   */
  tell(kind, value) {
    for (const watcher of this.#watchers[kind] ?? []) watcher(value);
  }

  /** What the page knows; to be asked by what is only seen once it knows something. */
  get now() {
    if (this.state === null) throw new Error("the feed has said nothing yet");
    return this.state;
  }

  /** Something of the state is new: every view looks at it. */
  changed() {
    if (this.state !== null && !this.#over) this.tell("change", this.state);
  }

  /** Nothing is shown any more of what is still on its way. */
  end() {
    this.#over = true;
  }

  /**
   * Ask the server for something. False: no connection.
   *
   * @param {Frames.Client} frame
   */
  ask(frame) {
    return this.#send(frame);
  }
}
