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
const waiting = new Map();

/** OpenID requests that the person has yet to decide on, by the id of the request. */
const undecided = new Map();

let widgetId = filledIn("widgetId");
let requests = 0;
let greeted;
const greeting = new Promise((resolve) => (greeted = resolve));

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
 */
export async function askOpenId() {
  if (!isWidget() || origin === null) return null;
  // clients answer once they have asked what we want; some never ask
  await Promise.race([greeting, later(GREETED_WITHIN_MS)]);
  if (widgetId === null) return null;
  const { id, answer } = send("get_openid", {});
  const first = await within(ANSWER_WITHIN_MS, answer, () => waiting.delete(id));
  if (first?.state !== "request") return credentials(first);
  const decided = new Promise((resolve) => undecided.set(id, resolve));
  return credentials(await within(DECISION_WITHIN_MS, decided, () => undecided.delete(id)));
}

// --- what the client asks ---------------------------------------------------------------------

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

function received({ data: message, source, origin: from }) {
  if (source !== window.parent || from !== origin) return;
  if (typeof message !== "object" || message === null) return;
  if (typeof message.action !== "string" || typeof message.requestId !== "string") return;
  if (widgetId !== null && message.widgetId !== widgetId) return;
  if (message.api === "toWidget" && message.response === undefined) answer(message);
  else if (message.api === "fromWidget" && message.response !== undefined) take(message);
}

function answer(request) {
  widgetId ??= String(request.widgetId);
  const known = Object.hasOwn(actions, request.action);
  const response = known
    ? actions[request.action](Object(request.data))
    : { error: { message: "This widget does not know that action." } };
  window.parent.postMessage({ ...request, response }, origin);
}

function take({ requestId, response }) {
  const resolve = waiting.get(requestId);
  waiting.delete(requestId);
  resolve?.(response);
}

// --- parts --------------------------------------------------------------------------------------

function send(action, data) {
  requests += 1;
  const id = `spaces-${Date.now()}-${requests}`;
  const answer = new Promise((resolve) => waiting.set(id, resolve));
  const message = { api: "fromWidget", widgetId, requestId: id, action, data };
  window.parent.postMessage(message, origin);
  return { id, answer };
}

/** The two things the server needs; null for anything else than an allowed request. */
function credentials(answer) {
  const { state, access_token: token, matrix_server_name: server } = answer ?? {};
  if (state !== "allowed" || typeof token !== "string" || typeof server !== "string") return null;
  return { access_token: token, matrix_server_name: server };
}

function tell(what, detail) {
  if (typeof detail === "string") client.dispatchEvent(new CustomEvent(what, { detail }));
}

async function within(ms, promise, giveUp) {
  const result = await Promise.race([promise, later(ms)]);
  giveUp();
  return result;
}

function later(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms, null));
}

/** A value of our address, unless the client left the template as it was. */
function filledIn(name) {
  const value = query.get(name);
  return value && !value.startsWith("$") ? value : null;
}

function originOf(url) {
  try {
    const found = new URL(url).origin;
    return found === "null" ? null : found;
  } catch {
    return null;
  }
}

if (isWidget() && origin !== null) addEventListener("message", received);
