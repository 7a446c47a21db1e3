// The live feed: one WebSocket, reopened for as long as it makes sense.

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 8000;
const LIMITED_WAIT_MS = 30000;

/** The server says something every 3 s at least. A browser would not notice a cut for minutes. */
const SILENCE_MS = 7000;
const LOOK_EVERY_MS = 500;

/** A connection that was lost without a word, as browsers number it. */
const LOST = 1006;

/** Close codes after which coming back as the same person is pointless. */
const FINAL = new Set([4403, 4404]);

/** Those after which it makes sense to wait a while: too often, locked. */
const LATER = new Set([4429, 4423]);

/** Events: `frame` (detail: the frame), `closed` (detail: the code). */
export class Feed extends EventTarget {
  /** @type {WebSocket | null} */
  #socket = null;
  #timer = 0;
  #watch = 0;
  #heard = 0;
  #failures = 0;
  #stopped = false;

  /**
   * `auth()` gives `{token, name}` for the first frame.
   * @param {string} url
   * @param {() => Omit<Frames.AuthFrame, "type">} auth
   */
  constructor(url, auth) {
    super();
    this.url = url;
    this.auth = auth;
    addEventListener("offline", () => this.#lose());
    addEventListener("online", () => this.#soon(0));
    addEventListener("pageshow", (event) => event.persisted && this.#soon(0));
  }

  open() {
    clearTimeout(this.#timer);
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    this.#watchSilence();
    socket.onopen = () => socket.send(JSON.stringify({ type: "auth", ...this.auth() }));
    socket.onmessage = (message) => this.#read(socket, message.data);
    socket.onclose = (event) => socket === this.#socket && this.#closed(event.code);
  }

  /** Come back at once, as somebody else. */
  reopen() {
    this.#stopped = false;
    this.#failures = 0;
    const old = this.#socket;
    this.open();
    old?.close();
  }

  /** @param {Frames.Client} frame */
  send(frame) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    this.#socket?.close();
  }

  /**
   * @param {WebSocket} socket
   * @param {string} text
   */
  #read(socket, text) {
    if (socket !== this.#socket) return;
    this.#heard = performance.now();
    /** @type {Frames.Server} */
    const frame = JSON.parse(text);
    if (frame.type === "hello") this.#failures = 0;
    this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
  }

  #watchSilence() {
    clearInterval(this.#watch);
    this.#heard = performance.now();
    this.#watch = setInterval(() => {
      if (performance.now() - this.#heard > SILENCE_MS) this.#lose();
    }, LOOK_EVERY_MS);
  }

  /** It is dead, though the browser does not know: its goodbye would be waited for in vain. */
  #lose() {
    const socket = this.#socket;
    if (socket === null || this.#stopped) return;
    this.#closed(LOST);
    socket.close();
  }

  /** @param {number} code */
  #closed(code) {
    clearInterval(this.#watch);
    this.#socket = null;
    this.dispatchEvent(new CustomEvent("closed", { detail: code }));
    if (this.#stopped || FINAL.has(code)) return;
    const doubled = FIRST_WAIT_MS * 2 ** Math.min(this.#failures, 5);
    const wait = LATER.has(code) ? LIMITED_WAIT_MS : Math.min(LONGEST_WAIT_MS, doubled);
    this.#failures += 1;
    this.#soon(wait * (0.5 + Math.random() / 2));
  }

  /** @param {number} wait */
  #soon(wait) {
    if (this.#stopped || this.#socket !== null) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open(), wait);
  }
}
