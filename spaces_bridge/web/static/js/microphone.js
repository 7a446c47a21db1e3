// Being heard: asked for only when the floor is granted and the person presses the button.

import { NoMicrophone, openMicrophone, rememberMicrophone } from "./devices.js";
import { Meter } from "./meter.js";
import {
  bytesOfAnything,
  connected,
  hangUp,
  hasWebRtc,
  negotiate,
  newConnection,
  Refused,
  watchArrivals,
} from "./rtc.js";
import { say } from "./words.js";

const RETRY_MS = 1500;

/** So long it is tried at first, and when a connection that stood was lost. */
const FIRST_MS = 10000;
const AGAIN_MS = 120000;

/** The server reports every 2 s what it hears, and the browser asks for consent: 5 s is silence. */
const SILENCE_MS = 5000;

/** What this page calls itself towards the server. */
const PAGE = Array.from(crypto.getRandomValues(new Uint32Array(3)), (n) => n.toString(36)).join("");

/**
 * States: off, asking, connecting, on. `trouble` is a sentence when it did not work; `muted` by
 * the person; `interrupted` while the device gives no sound (a phone call took it);
 * `reconnecting` while a connection that stood is made anew. Events: `change`: look again;
 * `devices`: `listMicrophones()` gives another list.
 */
export class Microphone extends EventTarget {
  /** @type {"off" | "asking" | "connecting" | "on"} */
  state = "off";
  muted = false;
  trouble = "";
  interrupted = false;
  reconnecting = false;
  #url;
  #bearer;
  #tell;
  #meter = new Meter();
  /** @type {MediaStreamTrack | null} */
  #track = null;
  /** @type {RTCRtpSender | null} */
  #sender = null;
  /** @type {RTCPeerConnection | null} */
  #connection = null;
  /** @type {string | null} */
  #session = null;
  #run = 0;
  #wake = () => {};
  #endWatch = () => {};

  /**
   * `bearer()`: the session; `tell(muted)`: says it to the server.
   * 
   * @param {string} url
   * @param {() => string | null} bearer
   * @param {(muted: boolean) => void} tell
   */
  constructor(url, bearer, tell) {
    super();
    this.#url = url;
    this.#bearer = bearer;
    this.#tell = tell;
    const devices = () => this.dispatchEvent(new Event("devices"));
    navigator.mediaDevices?.addEventListener("devicechange", devices);
    addEventListener("online", () => this.nudge());
    addEventListener("pagehide", () => hangUp(this.#session));
  }

  /** 0 to 1, for a meter; ask as often as you draw. */
  get level() {
    return this.#meter.level;
  }

  /** The id of the device in use; null when there is none. */
  get device() {
    return this.#track?.getSettings().deviceId ?? null;
  }

  get #asks() {
    return this.state === "asking";
  }

  async turnOn() {
    if (this.state !== "off") return;
    this.trouble = "";
    this.#become("asking");
    if (!hasWebRtc()) return this.#fail(say("microphone.no_webrtc"));
    let track;
    try {
      track = await openMicrophone();
    } catch (error) {
      return this.#fail(sentenceOf(error));
    }
    if (!this.#asks) return track.stop(); // the floor went away meanwhile
    this.muted = false;
    this.#use(track);
    await this.#connect(FIRST_MS);
  }

  turnOff() {
    this.#run += 1;
    this.#wake();
    this.#track?.stop();
    this.#track = this.#sender = null;
    this.#meter.follow(null);
    this.#drop();
    hangUp(this.#session);
    this.#session = null;
    this.interrupted = this.reconnecting = false;
    this.#become("off");
  }

  /**
   * Another device, at once and without a new connection. False (see `trouble`): the old stays.
   * @param {string} device
   */
  async choose(device) {
    this.trouble = "";
    try {
      if (this.#track === null) {
        rememberMicrophone(device);
        return true;
      }
      return await this.#switch(await openMicrophone(device));
    } catch (error) {
      if (!(error instanceof NoMicrophone)) throw error;
      this.trouble = error.message;
      return false;
    } finally {
      this.#changed();
    }
  }

  /**
   * The track falls silent here at once; then the server is told.
   * @param {boolean} muted
   */
  setMuted(muted) {
    this.muted = muted;
    if (this.#track !== null) this.#track.enabled = !muted;
    this.#tell(muted);
    this.#changed();
  }

  /**
   * Say it again: what was told while there was no feed has reached nobody.
   * @param {boolean} onAir
   */
  remind(onAir) {
    if (this.state === "on" && this.muted && onAir) this.#tell(true);
  }

  /** The network is back: whoever waits to try again waits no longer. */
  nudge() {
    this.#wake();
  }

  // --- the device ---------------------------------------------------------------------------

  /** @param {MediaStreamTrack} track */
  #use(track) {
    this.#track = track;
    track.enabled = !this.muted;
    this.interrupted = track.muted;
    this.#meter.follow(track);
    /** @param {() => void} react */
    const ours = (react) => () => track === this.#track && react();
    track.addEventListener("mute", ours(() => this.#interrupt(true)));
    track.addEventListener("unmute", ours(() => this.#interrupt(false)));
    track.addEventListener("ended", ours(() => void this.#unplugged()));
  }

  /** @param {boolean} interrupted */
  #interrupt(interrupted) {
    this.interrupted = interrupted;
    this.#changed();
  }

  /** @param {MediaStreamTrack} track */
  async #switch(track) {
    const old = this.#track;
    // a sender whose connection was lost takes none: the next connection is made with the new one
    await this.#sender?.replaceTrack(track).catch(() => {});
    if (old === null || this.#track !== old) {
      track.stop(); // turned off meanwhile
      return false;
    }
    this.#use(track);
    old.stop();
    const { deviceId } = track.getSettings();
    if (deviceId) rememberMicrophone(deviceId);
    return true;
  }

  /** The device is gone, or was forbidden: any other will do. */
  async #unplugged() {
    try {
      const track = await openMicrophone();
      if (track.readyState === "live" && (await this.#switch(track))) this.#changed();
    } catch (error) {
      if (this.state !== "off") this.#fail(sentenceOf(error));
    }
  }

  // --- the connection -----------------------------------------------------------------------

  /**
   * Until it stands, or trying makes no sense any more.
   * @param {number} patience
   */
  async #connect(patience) {
    const run = ++this.#run;
    const until = performance.now() + patience;
    this.#become("connecting");
    for (;;) {
      const error = await this.#attempt(run);
      if (run !== this.#run) return;
      if (error === null) return this.#stands(run);
      const refused = error instanceof Refused && !error.passes;
      if (refused || performance.now() > until) {
        const text = error instanceof Refused && error.message;
        return this.#fail(text || say("microphone.failed"));
      }
      await this.#pause();
      if (run !== this.#run) return;
    }
  }

  /**
   * Null when it stands, else why not.
   * @param {number} run
   */
  async #attempt(run) {
    this.#drop();
    const track = this.#track;
    if (track === null) return new TypeError("turned off");
    const connection = newConnection();
    this.#connection = connection;
    const streams = [new MediaStream([track])];
    const made = connection.addTransceiver(track, { direction: "sendonly", streams });
    this.#sender = made.sender;
    try {
      const session = await negotiate(connection, this.#address(), this.#bearer());
      if (run !== this.#run) hangUp(session);
      else this.#session = session;
      return (await connected(connection)) ? null : new TypeError("no way");
    } catch (error) {
      return error;
    }
  }

  /** Who comes back does not oust the microphone of another tab; who presses the button does. */
  #address() {
    return `${this.#url}?page=${PAGE}${this.reconnecting ? "&again" : ""}`;
  }

  /** @param {number} run */
  #stands(run) {
    if (this.#connection === null) return;
    /**
     * @param {number} since
     * @param {number} now
     */
    const isLost = (since, now) => now - since > SILENCE_MS;
    this.#endWatch = watchArrivals(this.#connection, bytesOfAnything, isLost, () => {
      if (run !== this.#run) return;
      this.reconnecting = true;
      void this.#connect(AGAIN_MS);
    });
    // a new session opens the microphone: who had muted stays muted
    if (this.muted) this.#tell(true);
    this.reconnecting = false;
    this.#become("on");
  }

  #pause() {
    return new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
      const timer = setTimeout(resolve, RETRY_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** @param {string} sentence */
  #fail(sentence) {
    this.trouble = sentence;
    this.turnOff();
  }

  #drop() {
    this.#endWatch();
    this.#endWatch = () => {};
    this.#connection?.close();
    this.#connection = null;
  }

  /** @param {Microphone["state"]} state */
  #become(state) {
    this.state = state;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {unknown} error */
const sentenceOf = (error) => (error instanceof Error ? error.message : String(error));
