// Any other reaction: a small picker, with names for those who hear the page.

import { byId, el, setText } from "../dom.js";
import { GROUPS, TONES, isOneEmoji, toned } from "../emoji.js";
import { store, stored } from "../stored.js";
import { say } from "../words.js";
import { openSheet } from "./dialogs.js";
import { react } from "./reactions.js";

let tone = remembered();

export function start(page) {
  byId("more-reactions").addEventListener("click", () => open(page));
  byId("picker-form").addEventListener("submit", (event) => {
    event.preventDefault();
    reactWith(page, byId("picker-any").value.trim());
  });
  wearTone();
}

/** Built when it is first wanted. */
function open(page) {
  if (byId("picker-groups").children.length === 0) {
    byId("picker-groups").append(...Object.keys(GROUPS).map((name) => newGroup(page, name)));
    byId("picker-tones").append(...Object.keys(TONES).map(newTone));
    wearTone();
  }
  byId("picker-form").reset();
  setText(byId("picker-error"), "");
  openSheet(byId("picker"), byId("picker-groups").querySelector(".pick"));
}

function newGroup(page, name) {
  const label = say(`react.group_${name}`);
  const picks = GROUPS[name].map(([emoji, key], index) =>
    el("button", {
      type: "button",
      class: "pick",
      "aria-label": say(`emoji.${key}`),
      "data-base": emoji,
      tabindex: index === 0 ? "0" : "-1",
      click: ({ currentTarget }) => choose(page, currentTarget.dataset.emoji),
    }),
  );
  const grid = el("div", { class: "picks", role: "group", "aria-label": label, keydown: walk }, ...picks);
  return el("div", {}, el("p", { class: "picker-label", "aria-hidden": "true" }, label), grid);
}

function choose(page, emoji) {
  byId("picker").close();
  react(page, emoji);
}

function reactWith(page, text) {
  if (isOneEmoji(text)) return choose(page, text);
  setText(byId("picker-error"), say("react.one"));
  byId("picker-any").focus();
}

// --- arrows walk within a group, which Tab enters and leaves ----------------------------------

function walk(event) {
  const picks = [...event.currentTarget.children];
  const at = picks.indexOf(document.activeElement);
  const rowOf = picks.filter(({ offsetTop }) => offsetTop === picks[0].offsetTop).length;
  const turn = document.dir === "rtl" ? -1 : 1;
  const steps = { ArrowRight: turn, ArrowLeft: -turn, ArrowDown: rowOf, ArrowUp: -rowOf };
  const ends = { Home: 0, End: picks.length - 1 };
  const next = picks[ends[event.key] ?? at + steps[event.key]];
  if (!(event.key in steps || event.key in ends)) return;
  event.preventDefault();
  if (!next) return;
  picks[at].tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

// --- skin tones -------------------------------------------------------------------------------

function newTone(name) {
  const input = el("input", {
    type: "radio",
    name: "tone",
    value: name,
    "aria-label": say(`react.tone_${name}`),
    change: () => {
      tone = name;
      store("tone", name);
      wearTone();
    },
  });
  input.checked = name === tone;
  return el("label", { class: "tone" }, input, el("span", { "aria-hidden": "true" }, `✋${TONES[name]}`));
}

/** Every hand of the page, the quick ones too, in the tone that was chosen. */
function wearTone() {
  for (const button of document.querySelectorAll(".react[data-emoji], .pick")) {
    button.dataset.base ??= button.dataset.emoji;
    const emoji = toned(button.dataset.base, tone);
    button.dataset.emoji = emoji;
    setText(button.querySelector("span") ?? button, emoji);
  }
}

function remembered() {
  const name = stored("tone");
  return name in TONES ? name : "none";
}
