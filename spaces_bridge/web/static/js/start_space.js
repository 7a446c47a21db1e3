// "Start a space" on the directory page: a form for people the page knows and who may host. For
// all others the link beside it, which needs no script, opens a chat with the bot.

import { byId, setText } from "./dom.js";
import { knownIdentities } from "./identity.js";
import { openSheet } from "./views/dialogs.js";
import { askOpenId, isWidget } from "./widget.js";
import { say, sayOf } from "./words.js";

const ASKED_MOST = 5;

/** @type {string | null} The token of somebody who may host; null inside a Matrix client. */
let token = null;

/** @type {string} What this request is called: sent again, it makes no second live space. */
let nonce = "";

let sending = false;

/** The address of something below this page, with or without a path prefix. */
const at = (/** @type {string} */ path) => new URL(path, location.href.split(/[?#]/)[0]).href;

/** Show the button where it leads to something. */
export async function offerToStart() {
  const button = byId("start-here");
  button.addEventListener("click", open);
  byId("start-form").addEventListener("submit", (event) => {
    event.preventDefault();
    void send();
  });
  byId("start-form").addEventListener("change", showTime);
  token = await hostsToken();
  if (token === null && !isWidget()) return;
  button.hidden = false;
  byId("start-in-chat")?.remove();
}

/** The first token of somebody who may host. */
async function hostsToken() {
  for (const identity of knownIdentities().slice(0, ASKED_MOST)) {
    const headers = { Authorization: `Bearer ${identity.token}` };
    const answer = await fetch(at("api/v1/you"), { headers }).catch(() => null);
    if (answer?.ok && (await answer.json()).may_host) return identity.token;
    // to show it again and again would look like guessing
    if (answer?.status === 401) identity.forget();
  }
  return null;
}

function open() {
  nonce = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
  byId("start-form").reset();
  byId("start-at").min = localInput(new Date());
  setText(byId("start-error"), "");
  showTime();
  openSheet(byId("start-dialog"), byId("start-name"));
}

function showTime() {
  byId("start-time").hidden = !byId("start-later").checked;
}

/** A time as the browser's field for one has it: local, to the minute. */
function localInput(/** @type {Date} */ date) {
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60000);
  return shifted.toISOString().slice(0, 16);
}

/** What was filled in; null, and said why, when something is missing. */
function wanted() {
  const title = byId("start-name").value.trim();
  if (title === "") return refuse("start-name", say("error.no_title"));
  const later = byId("start-later").checked;
  const moment = later ? new Date(byId("start-at").value).getTime() : null;
  if (Number.isNaN(moment)) return refuse("start-at", say("start.no_time"));
  return {
    title,
    at: moment,
    speak_policy: byId("start-policy").value,
    private: byId("start-private").checked,
    nonce,
  };
}

/** @returns {null} */
function refuse(/** @type {keyof PageElements} */ field, /** @type {string} */ words) {
  setText(byId("start-error"), words);
  byId(field).focus();
  return null;
}

async function send() {
  const body = sending ? null : wanted();
  if (body === null) return;
  sending = true;
  setText(byId("start-error"), "");
  byId("start-yes").setAttribute("aria-disabled", "true");
  const made = await ask(body);
  sending = false;
  byId("start-yes").removeAttribute("aria-disabled");
  if (made !== null) go(made);
}

/** What was made; null, and said why, when nothing was. */
async function ask(/** @type {object} */ body) {
  /** @type {Record<string, string>} */
  const headers = { "Content-Type": "application/json" };
  if (token !== null) headers.Authorization = `Bearer ${token}`;
  const known = token === null ? { ...body, openid: await askOpenId() } : body;
  const request = { method: "POST", headers, body: JSON.stringify(known) };
  const answer = await fetch(at("api/v1/spaces"), request).catch(() => null);
  const said = await answer?.json().catch(() => null);
  if (answer?.ok && said) return said;
  const words = said?.code ? sayOf("error", { ...said, text: said.detail }) : say("start.unreached");
  setText(byId("start-error"), words);
  return null;
}

/** To the page of the new live space, as its host. The token is in the fragment: no request has it. */
function go(/** @type {{page: string, session: string}} */ { page, session }) {
  const address = new URL(page);
  address.search = location.search;
  address.hash = new URLSearchParams({ t: session }).toString();
  location.assign(address);
}
