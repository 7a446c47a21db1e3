// The rules of the room, for those who moderate. What the server has not confirmed goes back.

import { byId, el } from "../dom.js";
import { language, say } from "../words.js";
import { offerPanel } from "./tabs.js";

/** Languages that the captions' model knows well; whichever is set is offered, too. */
const LANGUAGES = "en de es fr it pt nl pl uk ru tr ar fa hi id vi zh ja ko".split(" ");

export function start(page) {
  const press = (id, type, values) => byId(id).addEventListener("click", () => page.ask(type, values));
  press("next", "next");
  press("mute-all", "mute", { all: true });
  press("clear-queue", "clear-queue");
  const choose = (id, frame) =>
    byId(id).addEventListener("change", ({ target }) => page.ask(...frame(target)));
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
    page.ask("title", { title: byId("title-text").value });
    // not in the field any more: it shows what the server makes of it
    event.target.querySelector("[type=submit]").focus();
  });
  page.on("change", show);
  page.on("error", () => page.changed());
}

function show({ space, roster, you }) {
  offerPanel("control", you.may_moderate && space.state !== "ended");
  if (!you.may_moderate) return;
  for (const node of document.querySelectorAll("#control [data-host]")) node.hidden = you.role !== "host";
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

function set(id, value) {
  if (byId(id).value !== value) byId(id).value = value;
}

function showLanguages(current) {
  const select = byId("captions-language");
  const codes = ["auto", ...new Set([...LANGUAGES, current].filter((code) => code && code !== "auto"))];
  if (select.length !== codes.length) {
    const names = new Intl.DisplayNames([language], { type: "language" });
    const name = (code) => (code === "auto" ? say("control.auto") : names.of(code));
    select.replaceChildren(...codes.map((value) => el("option", { value }, name(value))));
  }
  set("captions-language", current || "auto");
}
