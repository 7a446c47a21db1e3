// WHIP and WHEP in one function: the offer goes out, the answer comes back.

export const CONNECT_WITHIN_MS = 6000;

export class Refused extends Error {
  constructor(status, code, text) {
    super(text);
    this.status = status;
    this.code = code;
  }
}

/** A connection without third parties: the server learns our address by itself. */
export const newConnection = () => new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });

/** Negotiate; gives the address that ends the session. Throws Refused, TypeError (no network). */
export async function negotiate(connection, url, bearer) {
  await connection.setLocalDescription();
  const headers = { "Content-Type": "application/sdp" };
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  const body = connection.localDescription.sdp;
  const response = await fetch(url, { method: "POST", headers, body });
  if (response.status !== 201) throw await refusal(response);
  const session = new URL(response.headers.get("Location"), response.url).href;
  const sdp = await response.text();
  if (connection.signalingState === "closed") {
    hangUp(session);
    throw new Refused(0, "closed", "");
  }
  await connection.setRemoteDescription({ type: "answer", sdp });
  return session;
}

/** End a session, also while the page goes away. */
export function hangUp(session) {
  if (session) fetch(session, { method: "DELETE", keepalive: true }).catch(() => {});
}

/** Resolves to whether the connection stands within the time there is. */
export function connected(connection, within = CONNECT_WITHIN_MS) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => done(false), within);
    const look = () => {
      if (connection.connectionState === "connected") done(true);
      if (["failed", "closed"].includes(connection.connectionState)) done(false);
    };
    function done(result) {
      clearTimeout(timer);
      connection.removeEventListener("connectionstatechange", look);
      resolve(result);
    }
    connection.addEventListener("connectionstatechange", look);
    look();
  });
}

async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  return new Refused(response.status, problem.code ?? "refused", problem.detail ?? "");
}
