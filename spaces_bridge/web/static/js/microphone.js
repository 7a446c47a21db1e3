// Being heard: asked for only when the floor is granted and the person presses the button.

import { connected, hangUp, negotiate, newConnection, Refused } from "./rtc.js";
import { say } from "./words.js";

const RETRY_MS = 1500;
const RETRIES = 5;

const CONSTRAINTS = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
};

/** States: off, asking, connecting, on. `trouble` is a sentence when it did not work. */
export class Microphone extends EventTarget {
  state = "off";
  muted = false;
  trouble = "";
  #url;
  #bearer;
  #tell;
  #stream = null;
  #connection = null;
  #session = null;

  /** `bearer()`: the session; `tell(muted)`: says it to the server. */
  constructor(url, bearer, tell) {
    super();
    this.#url = url;
    this.#bearer = bearer;
    this.#tell = tell;
    addEventListener("pagehide", () => hangUp(this.#session));
  }

  async turnOn() {
    if (this.state !== "off") return;
    this.trouble = "";
    this.#become("asking");
    if (!navigator.mediaDevices) return this.#fail(say("microphone.insecure"));
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia(CONSTRAINTS);
    } catch (error) {
      const missing = error.name === "NotFoundError";
      return this.#fail(say(missing ? "microphone.missing" : "microphone.denied"));
    }
    if (this.state !== "asking") return stop(stream); // the floor went away meanwhile
    this.#stream = stream;
    stream.getAudioTracks()[0].addEventListener("ended", () => this.turnOff());
    this.muted = false;
    await this.#connect(RETRIES);
  }

  turnOff() {
    stop(this.#stream);
    this.#stream = null;
    this.#drop();
    this.#become("off");
  }

  /** The track falls silent here at once; then the server is told. */
  setMuted(muted) {
    this.muted = muted;
    for (const track of this.#stream?.getAudioTracks() ?? []) track.enabled = !muted;
    this.#tell(muted);
    this.dispatchEvent(new Event("change"));
  }

  /** Say it again: what was told while there was no feed has reached nobody. */
  remind(onAir) {
    if (this.state === "on" && this.muted && onAir) this.#tell(true);
  }

  async #connect(retries) {
    this.#drop();
    this.#become("connecting");
    const connection = newConnection();
    this.#connection = connection;
    const [track] = this.#stream.getAudioTracks();
    connection.addTransceiver(track, { direction: "sendonly", streams: [this.#stream] });
    try {
      const session = await negotiate(connection, this.#url, this.#bearer());
      if (connection !== this.#connection) return hangUp(session);
      this.#session = session;
      if (!(await connected(connection))) throw new TypeError("no way");
    } catch (error) {
      if (connection === this.#connection) await this.#unreached(error, retries);
      return;
    }
    if (connection !== this.#connection) return;
    connection.addEventListener("connectionstatechange", () => {
      if (connection.connectionState === "failed" && connection === this.#connection) {
        this.#connect(RETRIES);
      }
    });
    // a new session opens the microphone: who had muted stays muted
    if (this.muted) this.#tell(true);
    this.#become("on");
  }

  async #unreached(error, retries) {
    if (error instanceof Refused || retries === 0) {
      return this.#fail((error instanceof Refused && error.message) || say("microphone.failed"));
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    if (this.state === "connecting") await this.#connect(retries - 1);
  }

  #fail(sentence) {
    this.trouble = sentence;
    this.turnOff();
  }

  #drop() {
    this.#connection?.close();
    this.#connection = null;
    hangUp(this.#session);
    this.#session = null;
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}

function stop(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
