// WHIP and WHEP in one function: the offer goes out, the answer comes back.

import { sayOf } from "./words.js";

const CONNECT_WITHIN_MS = 6000;

/** A request without an answer for so long has met a dead network. */
const ANSWER_WITHIN_MS = 6000;

const LOOK_EVERY_MS = 250;

export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} text
   */
  constructor(status, code, text) {
    super(text);
    this.status = status;
    this.code = code;
  }

  /** Whether asking again may help: the server is busy, or away behind its proxy. */
  get passes() {
    return this.status >= 500 || [408, 425, 429].includes(this.status);
  }
}

export const hasWebRtc = () => typeof RTCPeerConnection !== "undefined";

/** A connection without third parties: the server learns our address by itself. */
export const newConnection = () => new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });

/**
 * POST; the answer. Throws Refused for any status but 201, TypeError when no answer comes.
 * 
 * @param {string} url
 * @param {string | null} bearer
 * @param {string | null} body
 * @param {string | null} type
 */
export async function post(url, bearer, body = null, type = null) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (type) headers["Content-Type"] = type;
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  const response = await within({ method: "POST", headers, body }, url);
  if (response.status !== 201) throw await refusal(response);
  return response;
}

/**
 * Where an answer points to.
 * 
 * @param {Response} response
 */
export const locationOf = (response) =>
  new URL(response.headers.get("Location") ?? "", response.url).href;

/**
 * Negotiate; gives the address that ends the session. Throws Refused, TypeError (no network).
 * 
 * @param {RTCPeerConnection} connection
 * @param {string} url
 * @param {string | null} bearer
 */
export async function negotiate(connection, url, bearer) {
  await connection.setLocalDescription();
  const response = await post(url, bearer, connection.localDescription?.sdp ?? null, "application/sdp");
  const session = locationOf(response);
  const sdp = await response.text();
  if (connection.signalingState === "closed") {
    hangUp(session);
    throw new Refused(0, "closed", "");
  }
  await connection.setRemoteDescription({ type: "answer", sdp });
  return session;
}

/**
 * End a session, also while the page goes away.
 * 
 * @param {string | null | undefined} session
 */
export function hangUp(session) {
  if (session) within({ method: "DELETE", keepalive: true }, session).catch(() => {});
}

/**
 * Resolves to whether the connection stands within the time there is.
 * 
 * @param {RTCPeerConnection} connection
 * @returns {Promise<boolean>}
 */
export function connected(connection, limit = CONNECT_WITHIN_MS) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => done(false), limit);
    const look = () => {
      if (connection.connectionState === "connected") done(true);
      if (["failed", "closed"].includes(connection.connectionState)) done(false);
    };
    /** @param {boolean} result */
    function done(result) {
      clearTimeout(timer);
      connection.removeEventListener("connectionstatechange", look);
      resolve(result);
    }
    connection.addEventListener("connectionstatechange", look);
    look();
  });
}

/**
 * Watch what arrives on a connection: `count(stats)` grows while it lives. Calls `lost()` once,
 * when it failed or `isLost(since, now)` says that nothing came for too long. Returns its end.
 * 
 * @param {RTCPeerConnection} connection
 * @param {(stats: Iterable<Stats>) => number} count
 * @param {(since: number, now: number) => boolean} isLost
 * @param {() => void} lost
 */
export function watchArrivals(connection, count, isLost, lost) {
  let counted = -1;
  let since = performance.now();
  const look = async () => {
    const arrived = count((await connection.getStats()).values());
    if (stopped) return;
    const now = performance.now();
    if (arrived !== counted) {
      counted = arrived;
      since = now;
    }
    if (isLost(since, now) || ["failed", "closed"].includes(connection.connectionState)) {
      stop();
      lost();
    }
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  let stopped = false;
  function stop() {
    stopped = true;
    clearInterval(timer);
  }
  return stop;
}

/** @typedef {{type: string, packetsReceived?: number, bytesReceived?: number}} Stats */

/**
 * Count for `watchArrivals`: packets of sound.
 *
 * @param {Iterable<Stats>} stats
 */
export const packetsOfSound = (stats) => sum(stats, "inbound-rtp", "packetsReceived");
/**
 * Count for `watchArrivals`: bytes of anything.
 *
 * @param {Iterable<Stats>} stats
 */
export const bytesOfAnything = (stats) => sum(stats, "candidate-pair", "bytesReceived");

/**
 * @param {Iterable<Stats>} stats
 * @param {string} type
 * @param {"packetsReceived" | "bytesReceived"} field
 */
function sum(stats, type, field) {
  let total = 0;
  for (const stat of stats) if (stat.type === type) total += stat[field] ?? 0;
  return total;
}

/**
 * @param {RequestInit} options
 * @param {string} url
 */
async function within(options, url) {
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(), ANSWER_WITHIN_MS);
  try {
    return await fetch(url, { ...options, signal: control.signal });
  } catch {
    throw new TypeError("no answer");
  } finally {
    clearTimeout(timer);
  }
}

/** @param {Response} response */
async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  const text = sayOf("error", { code: problem.code, text: problem.detail ?? "", with: problem.with });
  return new Refused(response.status, problem.code ?? "refused", text);
}
