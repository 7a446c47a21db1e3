// What the page knows, and who wants to hear of it: the views hang on here.
//
// `state` is what the last hello, space, roster and role said. Views register with `on(kind, …)`:
// "change" comes after any of those, any other kind is a frame of the feed, whole.

export class Page {
  state = null;
  #over = false;
  #watchers = new Map();
  #send;

  /** `send(frame)` puts a frame on the feed; `at(path)` makes an address below the page's. */
  constructor(send, at, parts) {
    this.#send = send;
    this.at = at;
    Object.assign(this, parts);
  }

  on(kind, watcher) {
    this.#watchers.set(kind, [...(this.#watchers.get(kind) ?? []), watcher]);
  }

  tell(kind, value) {
    for (const watcher of this.#watchers.get(kind) ?? []) watcher(value);
  }

  /** Something of the state is new: every view looks at it. */
  changed() {
    if (this.state !== null && !this.#over) this.tell("change", this.state);
  }

  /** Nothing is shown any more of what is still on its way. */
  end() {
    this.#over = true;
  }

  /** Ask the server for something; `values` are the frame's other fields. False: no connection. */
  ask(type, values = {}) {
    return this.#send({ type, ...values });
  }
}
