// The rules of the room, for those who moderate. What the server has not confirmed goes back.

import { byId, el, setText } from "../dom.js";
import { language, say } from "../words.js";
import { offerPanel } from "./tabs.js";

/** Languages that the captions' model knows well; whichever is set is offered, too. */
const LANGUAGES = "en de es fr it pt nl pl uk ru tr ar fa hi id vi zh ja ko".split(" ");

export function start(page) {
  const ask = (...frame) => page.ask(...frame) || page.changed();
  const press = (id, ...frame) => byId(id).addEventListener("click", () => ask(...frame));
  press("next", "next");
  press("mute-all", "mute", { all: true });
  press("clear-queue", "clear-queue");
  const choose = (id, frame) =>
    byId(id).addEventListener("change", ({ target }) => ask(...frame(target)));
  choose("policy", ({ value }) => ["policy", { policy: value }]);
  choose("guests", ({ value }) => ["guests", { policy: value }]);
  choose("queue-order", ({ value }) => ["queue-order", { order: value }]);
  choose("chat-on", ({ checked }) => ["chat-mode", { on: checked }]);
  choose("lock", ({ checked }) => [checked ? "lock" : "unlock"]);
  const captions = () => ["captions", { on: byId("captions-on").checked, language: byId("captions-language").value }];
  choose("captions-on", captions);
  choose("captions-language", captions);
  byId("title-form").addEventListener("submit", (event) => {
    event.preventDefault();
    // not in the field any more: it shows what the server makes of it
    event.target.querySelector("[type=submit]").focus();
    ask("title", { title: byId("title-text").value });
  });
  page.on("change", show);
  page.on("error", () => page.changed());
}

function show({ space, roster, you }) {
  offerPanel("control", you.may_moderate && space.state !== "ended");
  showWaiting(you.may_moderate && space.state === "live" ? roster.hands : 0, space.title);
  if (!you.may_moderate) return;
  for (const node of document.querySelectorAll("#control [data-host]")) node.hidden = !you.may_host;
  byId("next").disabled = roster.hands === 0;
  byId("clear-queue").disabled = roster.hands === 0;
  byId("mute-all").disabled = !roster.stage.some((person) => person.role === "speaker" && !person.muted);
  set("policy", space.speak_policy);
  set("guests", space.guests);
  set("queue-order", space.queue_order);
  showLanguages(space.language);
  byId("captions-on").checked = space.captions;
  byId("chat-on").checked = space.chat;
  byId("lock").checked = space.locked;
  if (document.activeElement !== byId("title-text")) byId("title-text").value = space.title;
}

/** On the tab and in the browser's own: whoever hosts may be reading something else. */
function showWaiting(hands, title) {
  document.title = hands > 0 ? `(${hands}) ${title}` : title;
  byId("waiting").hidden = hands === 0;
  setText(byId("waiting-shown"), String(hands));
  setText(byId("waiting-said"), hands > 0 ? say("hand.waiting", { count: hands }) : "");
}

function set(id, value) {
  if (byId(id).value !== value) byId(id).value = value;
}

function showLanguages(current) {
  const select = byId("captions-language");
  const codes = ["auto", ...new Set([...LANGUAGES, current].filter((code) => code && code !== "auto"))];
  if (select.dataset.codes !== codes.join()) {
    select.dataset.codes = codes.join();
    const names = new Intl.DisplayNames([language], { type: "language" });
    const name = (code) => (code === "auto" ? say("control.auto") : names.of(code));
    select.replaceChildren(...codes.map((value) => el("option", { value }, name(value))));
  }
  set("captions-language", current || "auto");
}
