// Hearing the live space: WHEP first, the Ogg stream when WebRTC finds no way, a word otherwise.

import { playsOgg, streamAddress, watchStream } from "./ogg.js";
import {
  connected,
  hangUp,
  hasWebRtc,
  negotiate,
  newConnection,
  packetsOfSound,
  Refused,
  watchArrivals,
} from "./rtc.js";

/** Without a packet for so long, the connection is made anew. */
const SILENCE_MS = 4000;

/** The same, after the server said that the sound was restarted. */
const SILENCE_AFTER_NOTICE_MS = 1000;
const NOTICE_COUNTS_MS = 10000;

const RETRY_MS = [500, 1000, 2000, 4000, 8000];

/** Where WebRTC found no way, it is tried again, beside the stream, after so long. */
const PROBE_MS = 60000;

/**
 * @typedef {object} Carrier What carries the sound.
 * @property {RTCPeerConnection} connection
 * @property {string | null} session
 * @property {MediaStream | null} stream
 */

/**
 * States: idle, connecting, listening, reconnecting, gathering, http, blocked, impossible.
 * `trouble` is the server's sentence when it refused the sound. Event `change`: look again.
 */
export class Listener extends EventTarget {
  /** @type {"idle" | "connecting" | "listening" | "reconnecting" | "gathering" | "http" | "blocked" | "impossible"} */
  state = "idle";
  trouble = "";
  #audio;
  #urls;
  #bearer;
  /** @type {Carrier | null} */
  #stands = null;
  /** @type {Carrier | null} */
  #trying = null; // one on its way
  #attempt = 0;
  #failures = 0;
  #unplayed = 0;
  #held = false; // somebody else stopped it, and nobody has tapped since
  #timer = 0;
  #noWebRtcUntil = 0;
  #noticed = -Infinity;
  #endWatch = () => {};

  /**
   * `urls`: whep and ogg; `bearer()`: the session or null.
   * 
   * @param {HTMLAudioElement} audio
   * @param {{whep: string, ogg: string}} urls
   * @param {() => string | null} bearer
   */
  constructor(audio, urls, bearer) {
    super();
    this.#audio = audio;
    this.#urls = urls;
    this.#bearer = bearer;
    audio.addEventListener("pause", () => this.#pausedOutside());
    audio.addEventListener("playing", () => this.#playsAgain());
    addEventListener("online", () => this.nudge());
    addEventListener("pagehide", () => hangUp(this.#stands?.session));
    addEventListener("pageshow", (event) => event.persisted && this.wanted && this.#comeBack());
  }

  get wanted() {
    return this.state !== "idle" && this.state !== "impossible";
  }

  /** To be called within a tap: browsers play by taps only. */
  async start() {
    if (this.wanted && this.state !== "blocked") return;
    this.#held = false;
    if (this.#stands) return this.#play("listening");
    if (!this.wanted) this.#noWebRtcUntil = 0;
    this.#failures = this.#unplayed = 0;
    this.#empty(); // what was gathered of a stream is old by now
    this.#become("connecting");
    await this.#connect();
  }

  stop() {
    this.#drop();
    this.#held = false;
    this.#empty();
    this.#become("idle");
  }

  /** The person became somebody else: the server chooses the mix by who listens. */
  renew() {
    if (this.wanted && !this.#audio.hasAttribute("src")) void this.#connect();
  }

  /** The server said something happened to the sound: look closer for a while. */
  noticed() {
    this.#noticed = performance.now();
  }

  /** The network is back, perhaps another one: wait no longer, and try what found no way. */
  nudge() {
    this.#failures = 0;
    this.#noWebRtcUntil = 0;
    if (!this.#timer) return;
    if (this.state === "reconnecting") void this.#connect();
    else void this.#probe();
  }

  async #connect() {
    this.#drop();
    if (!hasWebRtc() || performance.now() < this.#noWebRtcUntil) return this.#overHttp();
    const attempt = this.#attempt;
    let made;
    try {
      made = await this.#negotiated();
    } catch (error) {
      // refused, or no network: neither is cured by another transport
      if (attempt === this.#attempt) this.#again(error);
      return;
    }
    if (attempt !== this.#attempt) return letGo(made);
    if (made === null) {
      this.#noWebRtcUntil = performance.now() + PROBE_MS;
      return this.#overHttp();
    }
    await this.#take(made);
  }

  /** A connection that stands, with its track and session; null when it found no way. */
  async #negotiated() {
    const connection = newConnection();
    /** @type {Carrier} */
    const made = { connection, session: null, stream: null };
    this.#trying = made;
    connection.addTransceiver("audio", { direction: "recvonly" });
    connection.addEventListener("track", ({ track }) => {
      made.stream = new MediaStream([track]);
    });
    try {
      made.session = await negotiate(connection, this.#urls.whep, this.#bearer());
      if (await connected(connection)) return made;
    } catch (error) {
      letGo(made);
      throw error;
    }
    letGo(made);
    return null;
  }

  /** @param {Carrier} made */
  async #take(made) {
    this.#trying = null;
    this.#drop();
    this.#stands = made;
    this.#unplayed = 0;
    this.#audio.removeAttribute("src");
    this.#audio.srcObject = made.stream;
    this.#endWatch = watchArrivals(
      made.connection,
      packetsOfSound,
      (since, now) => this.#isLost(since, now),
      () => this.#again(),
    );
    await this.#play("listening");
  }

  /**
   * @param {number} since
   * @param {number} now
   */
  #isLost(since, now) {
    const noticed = now - this.#noticed < NOTICE_COUNTS_MS;
    const quiet = now - (noticed ? Math.max(since, this.#noticed) : since);
    return quiet > (noticed ? SILENCE_AFTER_NOTICE_MS : SILENCE_MS);
  }

  /** @param {unknown} [error] */
  #again(error) {
    this.#drop();
    this.trouble = error instanceof Refused ? error.message : "";
    this.#become("reconnecting");
    const least = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)] ?? 0;
    const wait = least * (0.75 + Math.random() / 2); // a crowd does not come back all at once
    this.#failures += 1;
    this.#timer = setTimeout(() => void this.#connect(), wait);
  }

  async #overHttp() {
    this.#drop();
    if (!playsOgg(this.#audio)) return this.#become("impossible");
    const attempt = this.#attempt;
    let address;
    try {
      address = await streamAddress(this.#urls.ogg, this.#bearer());
    } catch (error) {
      if (attempt === this.#attempt) this.#again(error);
      return;
    }
    if (attempt !== this.#attempt) return;
    this.#audio.srcObject = null;
    this.#audio.src = address;
    this.#become("gathering");
    this.#endWatch = watchStream(this.#audio, (unheard) => {
      if (unheard && this.state !== "blocked") return this.#unplayable("http");
      this.#unplayed = 0;
      this.#again();
    });
    if (hasWebRtc()) this.#timer = setTimeout(() => void this.#probe(), PROBE_MS);
    await this.#play("http");
  }

  /** Perhaps the network is another one by now. The stream goes on until the connection stands. */
  async #probe() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const attempt = this.#attempt;
    const made = await this.#negotiated().catch(() => null);
    if (attempt !== this.#attempt) return letGo(made);
    if (made !== null) return this.#take(made);
    this.#timer = setTimeout(() => void this.#probe(), PROBE_MS);
  }

  /** Ends what is on its way. In a tap, `load()` also says that whatever comes later may be heard. */
  #empty() {
    this.#audio.pause();
    this.#audio.srcObject = null;
    this.#audio.removeAttribute("src");
    this.#audio.load();
  }

  /** @param {"listening" | "http"} state */
  async #play(state) {
    if (this.#held) return this.#become("blocked");
    const attempt = this.#attempt;
    try {
      await this.#audio.play();
      if (attempt !== this.#attempt) return;
      this.#failures = 0;
      this.trouble = "";
      this.#become(state);
    } catch (error) {
      if (attempt !== this.#attempt) return;
      // what aborts without us is a pause from outside, ahead of the first sound
      const name = error instanceof Error ? error.name : "";
      this.#held = name === "AbortError";
      if (this.#held || name === "NotAllowedError") this.#become("blocked");
      else this.#unplayable(state);
    }
  }

  /** A page that browsers had put aside was stopped by that alone. */
  #comeBack() {
    this.#held = false;
    void this.#connect();
  }

  /** A call, another app, headphones pulled out: nobody wants the sound back unasked. */
  #pausedOutside() {
    const played = this.state === "listening" ? this.#stands !== null : this.state === "http";
    if (!played || !this.#audio.paused || this.#audio.ended) return;
    this.#held = true;
    this.#become("blocked");
  }

  /** Where the system gives it back by itself, as after a call, it was asked. */
  #playsAgain() {
    if (!this.#held) return;
    this.#held = false;
    this.#become(this.#stands ? "listening" : "http");
  }

  /**
   * Once may be the network's fault; twice, with a server that answers, is the browser's.
   * @param {"listening" | "http"} state
   */
  #unplayable(state) {
    this.#unplayed += 1;
    if (state !== "http" || this.#unplayed < 2) return this.#again();
    this.#drop();
    this.#empty();
    this.#become("impossible");
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#endWatch();
    this.#endWatch = () => {};
    this.#attempt += 1;
    letGo(this.#trying);
    letGo(this.#stands);
    this.#trying = this.#stands = null;
  }

  /** @param {Listener["state"]} state */
  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {Carrier | null} made */
function letGo(made) {
  if (made === null) return;
  made.connection.close();
  hangUp(made.session);
  made.session = null;
}
