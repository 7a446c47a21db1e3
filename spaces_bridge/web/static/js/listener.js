// Hearing the live space: WHEP first, the Ogg stream when WebRTC finds no way, a word otherwise.

import { connected, hangUp, negotiate, newConnection } from "./rtc.js";

const LOOK_EVERY_MS = 250;

/** Without a packet for so long, the connection is made anew. */
const SILENCE_MS = 4000;

/** The same, after the server said that the sound was restarted. */
const SILENCE_AFTER_NOTICE_MS = 1000;
const NOTICE_COUNTS_MS = 10000;

const RETRY_MS = [500, 1000, 2000, 4000, 8000];

/** States: idle, connecting, listening, reconnecting, gathering, http, blocked, impossible. */
export class Listener extends EventTarget {
  state = "idle";
  #audio;
  #urls;
  #bearer;
  #connection = null;
  #session = null;
  #attempt = 0;
  #failures = 0;
  #timer = 0;
  #watch = 0;
  #noticed = -Infinity;

  /** `urls`: whep and ogg (null where a stream needs a header); `bearer()`: the session or null. */
  constructor(audio, urls, bearer) {
    super();
    this.#audio = audio;
    this.#urls = urls;
    this.#bearer = bearer;
    audio.addEventListener("error", () => this.state === "http" && this.#retryHttp());
    audio.addEventListener("ended", () => this.state === "http" && this.#retryHttp());
    addEventListener("pagehide", () => hangUp(this.#session));
    addEventListener("pageshow", (event) => event.persisted && this.wanted && this.#connect());
  }

  get wanted() {
    return this.state !== "idle" && this.state !== "impossible";
  }

  async start() {
    if (this.state === "blocked") {
      await this.#play(this.#connection ? "listening" : "http");
    } else if (!this.wanted) {
      this.#failures = 0;
      this.#become("connecting");
      await this.#connect();
    }
  }

  stop() {
    this.#drop();
    this.#audio.pause();
    this.#audio.srcObject = null;
    this.#audio.removeAttribute("src");
    this.#become("idle");
  }

  /** The person became somebody else: the server chooses the mix by who listens. */
  renew() {
    if (this.wanted && !this.#audio.src) this.#connect();
  }

  /** The server said something happened to the sound: look closer for a while. */
  noticed() {
    this.#noticed = performance.now();
  }

  async #connect() {
    this.#drop();
    const attempt = ++this.#attempt;
    this.#audio.removeAttribute("src");
    if (typeof RTCPeerConnection === "undefined") {
      this.#overHttp();
      return;
    }
    const connection = newConnection();
    this.#connection = connection;
    connection.addTransceiver("audio", { direction: "recvonly" });
    connection.addEventListener("track", ({ track }) => {
      this.#audio.srcObject = new MediaStream([track]);
    });
    try {
      const session = await negotiate(connection, this.#urls.whep, this.#bearer());
      if (attempt !== this.#attempt) return hangUp(session);
      this.#session = session;
    } catch {
      // refused, or no network: neither is cured by another transport
      if (attempt === this.#attempt) this.#again();
      return;
    }
    const stands = await connected(connection);
    if (attempt !== this.#attempt) return;
    if (!stands) return this.#overHttp();
    this.#failures = 0;
    this.#watchPackets(connection);
    await this.#play("listening");
  }

  #again() {
    this.#drop();
    this.#become("reconnecting");
    const wait = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)];
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  #overHttp() {
    this.#drop();
    const plays = this.#audio.canPlayType('audio/ogg; codecs="opus"') !== "";
    if (!plays || this.#urls.ogg() === null) {
      this.#become("impossible");
      return;
    }
    this.#audio.srcObject = null;
    // a fresh address each time: no cache gives an old stream
    this.#audio.src = `${this.#urls.ogg()}?${Date.now()}`;
    this.#become("gathering");
    this.#play("http");
  }

  #retryHttp() {
    clearTimeout(this.#timer);
    this.#become("reconnecting");
    this.#timer = setTimeout(() => this.#connect(), 2000);
  }

  async #play(state) {
    const attempt = this.#attempt;
    try {
      await this.#audio.play();
      if (attempt === this.#attempt) this.#become(state);
    } catch (error) {
      if (attempt !== this.#attempt || error.name === "AbortError") return;
      if (error.name === "NotAllowedError") this.#become("blocked");
      else if (state === "http") this.#become("impossible");
      else this.#again();
    }
  }

  #watchPackets(connection) {
    let packets = -1;
    let since = performance.now();
    clearInterval(this.#watch);
    this.#watch = setInterval(async () => {
      const now = performance.now();
      const counted = await packetsReceived(connection);
      if (connection !== this.#connection) return;
      if (counted !== packets) {
        packets = counted;
        since = now;
      }
      const noticed = now - this.#noticed < NOTICE_COUNTS_MS;
      const quiet = now - (noticed ? Math.max(since, this.#noticed) : since);
      const lost = quiet > (noticed ? SILENCE_AFTER_NOTICE_MS : SILENCE_MS);
      if (lost || connection.connectionState === "failed") this.#again();
    }, LOOK_EVERY_MS);
  }

  #drop() {
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    this.#attempt += 1;
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

async function packetsReceived(connection) {
  let packets = 0;
  for (const stat of (await connection.getStats()).values()) {
    if (stat.type === "inbound-rtp") packets += stat.packetsReceived ?? 0;
  }
  return packets;
}
