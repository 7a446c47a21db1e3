// The rules of the room, for those who moderate. What the server has not confirmed goes back.

import { byId, el, part, setText } from "../dom.js";
import { language, say } from "../words.js";
import { offerPanel } from "./tabs.js";

/** @import { Page, State } from "../page.js" */

/** Languages that the captions' model knows well; whichever is set is offered, too. */
const LANGUAGES = "en de es fr it pt nl pl uk ru tr ar fa hi id vi zh ja ko".split(" ");

/** @param {Page} page */
export function start(page) {
  /** @param {Frames.Client} frame */
  const ask = (frame) => page.ask(frame) || page.changed();
  byId("next").addEventListener("click", () => ask({ type: "next" }));
  byId("mute-all").addEventListener("click", () => ask({ type: "mute", all: true }));
  byId("clear-queue").addEventListener("click", () => ask({ type: "clear-queue" }));
  /**
   * @template {keyof PageElements} Id
   * @param {Id} id
   * @param {(node: PageElements[Id]) => Frames.Client} frame
   */
  const choose = (id, frame) => byId(id).addEventListener("change", () => ask(frame(byId(id))));
  // what the templates offer is what the server knows
  choose("policy", ({ value }) => {
    return { type: "policy", policy: /** @type {Frames.PolicyFrame["policy"]} */ (value) };
  });
  choose("guests", ({ value }) => {
    return { type: "guests", policy: /** @type {Frames.GuestsFrame["policy"]} */ (value) };
  });
  choose("queue-order", ({ value }) => {
    return { type: "queue-order", order: /** @type {Frames.QueueOrderFrame["order"]} */ (value) };
  });
  choose("chat-on", ({ checked }) => ({ type: "chat-mode", on: checked }));
  choose("lock", ({ checked }) => ({ type: checked ? "lock" : "unlock" }));
  /** @returns {Frames.CaptionsFrame} */
  const captions = () => ({
    type: "captions",
    on: byId("captions-on").checked,
    language: byId("captions-language").value,
  });
  choose("captions-on", captions);
  choose("captions-language", captions);
  byId("title-form").addEventListener("submit", (event) => {
    event.preventDefault();
    // not in the field any more: it shows what the server makes of it
    part(byId("title-form"), "[type=submit]").focus();
    ask({ type: "title", title: byId("title-text").value });
  });
  page.on("change", show);
  page.on("error", () => page.changed());
}

/** @param {State} state */
function show({ space, roster, you }) {
  offerPanel("control", you.may_moderate && space.state !== "ended");
  showWaiting(you.may_moderate && space.state === "live" ? roster.hands : 0, space.title);
  if (!you.may_moderate) return;
  const hosts = /** @type {NodeListOf<HTMLElement>} */ (
    document.querySelectorAll("#control [data-host]")
  );
  for (const node of hosts) node.hidden = !you.may_host;
  byId("next").disabled = roster.hands === 0;
  byId("clear-queue").disabled = roster.hands === 0;
  byId("mute-all").disabled = !roster.stage.some((person) => person.role === "speaker" && !person.muted);
  set(byId("policy"), space.speak_policy);
  set(byId("guests"), space.guests);
  set(byId("queue-order"), space.queue_order);
  showLanguages(space.language);
  byId("captions-on").checked = space.captions;
  byId("chat-on").checked = space.chat;
  byId("lock").checked = space.locked;
  if (document.activeElement !== byId("title-text")) byId("title-text").value = space.title;
}

/**
 * On the tab and in the browser's own: whoever hosts may be reading something else.
 * 
 * @param {number} hands
 * @param {string} title
 */
function showWaiting(hands, title) {
  document.title = hands > 0 ? `(${hands}) ${title}` : title;
  byId("waiting").hidden = hands === 0;
  setText(byId("waiting-shown"), String(hands));
  setText(byId("waiting-said"), hands > 0 ? say("hand.waiting", { count: hands }) : "");
}

/**
 * @param {HTMLSelectElement} select
 * @param {string} value
 */
function set(select, value) {
  if (select.value !== value) select.value = value;
}

/** @param {string} current */
function showLanguages(current) {
  const select = byId("captions-language");
  const codes = ["auto", ...new Set([...LANGUAGES, current].filter((code) => code && code !== "auto"))];
  if (select.dataset.codes !== codes.join()) {
    select.dataset.codes = codes.join();
    const names = new Intl.DisplayNames([language], { type: "language" });
    /** @param {string} code */
    const name = (code) => (code === "auto" ? say("control.auto") : (names.of(code) ?? code));
    select.replaceChildren(...codes.map((value) => el("option", { value }, name(value))));
  }
  set(byId("captions-language"), current || "auto");
}
