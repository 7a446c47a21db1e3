// This page inside a Matrix client: the widget side of the widget API (version 0.0.2), as far as
// we need it. https://github.com/matrix-org/matrix-spec-proposals/pull/2764 and MSC1960 (OpenID).
//
// We ask for no capability and tell the client nothing but that. What it tells us counts only when
// it comes from the window around us and from the origin that the client itself has named.

const VERSIONS = ["0.0.1", "0.0.2", "org.matrix.msc2871", "org.matrix.msc2873"];

const GREETED_WITHIN_MS = 3000;
const ANSWER_WITHIN_MS = 10000;
const DECISION_WITHIN_MS = 300000;

const query = new URLSearchParams(location.search);
const origin = originOf(query.get("parentUrl"));
const framed = window.parent !== window;

/** Requests that wait for an answer: by their id, what to do with it. */
const waiting = /** @type {Map<string, (answer: unknown) => void>} */ (new Map());

/** OpenID requests that the person has yet to decide on, by the id of the request. */
const undecided = /** @type {Map<unknown, (answer: unknown) => void>} */ (new Map());

let widgetId = filledIn("widgetId");
let requests = 0;
let greeted = () => {};
const greeting = new Promise((/** @type {(value?: undefined) => void} */ resolve) => (greeted = resolve));

/** Tells of `theme`; `detail` is its name. The first theme and the language are in our address. */
export const client = new EventTarget();

/** Whether a Matrix client shows this page. */
export function isWidget() {
  return framed && (query.has("widget") || query.has("widgetId"));
}

/**
 * Who this is, for `openid` in the first frame of the feed. Good for one use.
 *
 * Null: not in a client, or it does not answer, or the person does not want it. The client may ask
 * the person first, so this can take minutes.
 * 
 * @returns {Promise<Frames.OpenId | null>}
 */
export async function askOpenId() {
  if (!isWidget() || origin === null) return null;
  // clients answer once they have asked what we want; some never ask
  await Promise.race([greeting, later(GREETED_WITHIN_MS)]);
  if (widgetId === null) return null;
  const { id, answer } = send("get_openid", {});
  const first = await within(ANSWER_WITHIN_MS, answer, () => waiting.delete(id));
  if (Object(first).state !== "request") return credentials(first);
  const decided = new Promise((resolve) => void undecided.set(id, resolve));
  return credentials(await within(DECISION_WITHIN_MS, decided, () => undecided.delete(id)));
}

// --- what the client asks ---------------------------------------------------------------------

/**
 * @typedef {object} Message Of the widget API, as far as it is one: its fields are the client's.
 * @property {unknown} [api]
 * @property {string} action
 * @property {string} requestId
 * @property {unknown} [widgetId]
 * @property {unknown} [data]
 * @property {unknown} [response]
 */

/** @type {Record<string, (data: Record<string, unknown>) => object>} */
const actions = {
  supported_api_versions: () => ({ supported_versions: VERSIONS }),
  capabilities() {
    // the answer leaves first: whoever waits for this goes on afterwards
    queueMicrotask(greeted);
    return { capabilities: [] };
  },
  notify_capabilities: () => ({}),
  visibility: () => ({}),
  widget_config: () => ({}),
  theme_change(data) {
    tell("theme", data.name ?? data.theme);
    return {};
  },
  // to follow would take loading anew, which is silence: the next time the page opens
  language_change: () => ({}),
  openid_credentials(data) {
    const decide = undecided.get(data.original_request_id);
    undecided.delete(data.original_request_id);
    decide?.(data);
    return {};
  },
};

/** @param {MessageEvent<unknown>} event */
function received({ data: message, source, origin: from }) {
  if (source !== window.parent || from !== origin || !isMessage(message)) return;
  if (widgetId !== null && message.widgetId !== widgetId) return;
  if (message.api === "toWidget" && message.response === undefined) answer(message);
  else if (message.api === "fromWidget" && message.response !== undefined) take(message);
}

/**
 * @param {unknown} value
 * @returns {value is Message}
 */
function isMessage(value) {
  const { action, requestId } = Object(value);
  return typeof action === "string" && typeof requestId === "string";
}

/** @param {Message} request */
function answer(request) {
  widgetId ??= String(request.widgetId);
  const act = Object.hasOwn(actions, request.action) ? actions[request.action] : undefined;
  const response = act
    ? act(Object(request.data))
    : { error: { message: "This widget does not know that action." } };
  post({ ...request, response });
}

/** @param {Message} answer */
function take({ requestId, response }) {
  const resolve = waiting.get(requestId);
  waiting.delete(requestId);
  resolve?.(response);
}

// --- parts --------------------------------------------------------------------------------------

/** @param {object} message */
function post(message) {
  if (origin !== null) window.parent.postMessage(message, origin);
}

/**
 * @param {string} action
 * @param {object} data
 */
function send(action, data) {
  requests += 1;
  const id = `spaces-${Date.now()}-${requests}`;
  const answer = new Promise((resolve) => void waiting.set(id, resolve));
  post({ api: "fromWidget", widgetId, requestId: id, action, data });
  return { id, answer };
}

/**
 * The two things the server needs; null for anything else than an allowed request.
 * 
 * @param {unknown} answer
 * @returns {Frames.OpenId | null}
 */
function credentials(answer) {
  const { state, access_token: token, matrix_server_name: server } = Object(answer);
  if (state !== "allowed" || typeof token !== "string" || typeof server !== "string") return null;
  return { access_token: token, matrix_server_name: server };
}

/**
 * @param {string} what
 * @param {unknown} detail
 */
function tell(what, detail) {
  if (typeof detail === "string") client.dispatchEvent(new CustomEvent(what, { detail }));
}

/**
 * @param {number} ms
 * @param {Promise<unknown>} promise
 * @param {() => void} giveUp
 */
async function within(ms, promise, giveUp) {
  const result = await Promise.race([promise, later(ms)]);
  giveUp();
  return result;
}

/**
 * @param {number} ms
 * @returns {Promise<null>}
 */
function later(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms, null));
}

/**
 * A value of our address, unless the client left the template as it was.
 * 
 * @param {string} name
 */
function filledIn(name) {
  const value = query.get(name);
  return value && !value.startsWith("$") ? value : null;
}

/** @param {string | null} url */
function originOf(url) {
  try {
    const found = new URL(url ?? "").origin;
    return found === "null" ? null : found;
  } catch {
    return null;
  }
}

if (isWidget() && origin !== null) addEventListener("message", received);
