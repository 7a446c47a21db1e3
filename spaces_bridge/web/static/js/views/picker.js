// Any other reaction: a small picker, with names for those who hear the page.

import { byId, childrenOf, el, part, setText } from "../dom.js";
import { GROUPS, TONES, isOneEmoji, toned } from "../emoji.js";
import { store, stored } from "../stored.js";
import { say } from "../words.js";
import { openSheet } from "./dialogs.js";
import { react } from "./reactions.js";

/** @import { Page } from "../page.js" */

let tone = remembered();

/** @param {Page} page */
export function start(page) {
  byId("more-reactions").addEventListener("click", () => open(page));
  byId("picker-form").addEventListener("submit", (event) => {
    event.preventDefault();
    reactWith(page, byId("picker-any").value.trim());
  });
  wearTone();
}

/**
 * Built when it is first wanted.
 * 
 * @param {Page} page
 */
function open(page) {
  if (byId("picker-groups").children.length === 0) {
    byId("picker-groups").append(...Object.keys(GROUPS).map((name) => newGroup(page, name)));
    byId("picker-tones").append(...Object.keys(TONES).map(newTone));
    wearTone();
  }
  byId("picker-form").reset();
  setText(byId("picker-error"), "");
  openSheet(byId("picker"), part(byId("picker-groups"), ".pick"));
}

/**
 * @param {Page} page
 * @param {string} name
 */
function newGroup(page, name) {
  const label = say(`react.group_${name}`);
  const picks = (GROUPS[name] ?? []).map(([emoji, key], index) => {
    const pick = el("button", {
      type: "button",
      class: "pick",
      "aria-label": say(`emoji.${key}`),
      "data-base": emoji,
      tabindex: index === 0 ? "0" : "-1",
      click: () => choose(page, pick.dataset.emoji ?? emoji),
    });
    return pick;
  });
  /** @type {HTMLElement} */
  const grid = el("div", { class: "picks", role: "group", "aria-label": label, keydown: (event) => walk(event, grid) }, ...picks);
  return el("div", {}, el("p", { class: "picker-label", "aria-hidden": "true" }, label), grid);
}

/**
 * @param {Page} page
 * @param {string} emoji
 */
function choose(page, emoji) {
  byId("picker").close();
  react(page, emoji);
}

/**
 * @param {Page} page
 * @param {string} text
 */
function reactWith(page, text) {
  if (isOneEmoji(text)) return choose(page, text);
  setText(byId("picker-error"), say("react.one"));
  byId("picker-any").focus();
}

// --- arrows walk within a group, which Tab enters and leaves ----------------------------------

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} grid
 */
function walk(event, grid) {
  const picks = childrenOf(grid);
  const at = picks.findIndex((pick) => pick === document.activeElement);
  const rowOf = picks.filter(({ offsetTop }) => offsetTop === picks[0]?.offsetTop).length;
  const turn = document.dir === "rtl" ? -1 : 1;
  /** @type {Record<string, number>} */
  const steps = { ArrowRight: turn, ArrowLeft: -turn, ArrowDown: rowOf, ArrowUp: -rowOf };
  /** @type {Record<string, number>} */
  const ends = { Home: 0, End: picks.length - 1 };
  const place = ends[event.key] ?? at + (steps[event.key] ?? NaN);
  if (Number.isNaN(place)) return;
  event.preventDefault();
  const [now, next] = [picks[at], picks[place]];
  if (!now || !next) return;
  now.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

// --- skin tones -------------------------------------------------------------------------------

/** @param {string} name */
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
  const buttons = /** @type {NodeListOf<HTMLElement>} */ (
    document.querySelectorAll(".react[data-emoji], .pick")
  );
  for (const button of buttons) {
    const base = button.dataset.base ?? button.dataset.emoji ?? "";
    const emoji = toned(base, tone);
    button.dataset.base = base;
    button.dataset.emoji = emoji;
    setText(button.querySelector("span") ?? button, emoji);
  }
}

function remembered() {
  const name = stored("tone");
  return name !== null && Object.hasOwn(TONES, name) ? name : "none";
}
