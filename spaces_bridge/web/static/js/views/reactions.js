// Reactions float by and are gone. One's own is seen at once, and not again when it comes back.
// Who wants no motion gets a quiet count instead.

import { byId, el, setText } from "../dom.js";

/** @import { Page } from "../page.js" */

const AT_ONCE = 6;
const APART_MS = 110;
const LIFE_MS = 3200;
const ALIVE_MAX = 24;

/** A reaction that has not come back after so long was refused, or counted by nobody. */
const OWN_FORGOTTEN_MS = 6000;

const COUNT_EVERY_MS = 1000;
const COUNT_SEEN_MS = 4000;

const calm = matchMedia("(prefers-reduced-motion: reduce)");
/** @type {Map<string, number[]>} */
const own = new Map(); // emoji -> when sent, those that have not come back

/** @param {Page} page */
export function start(page) {
  page.on("reactions", ({ counts }) => showReactions(counts));
  const buttons = /** @type {NodeListOf<HTMLElement>} */ (
    document.querySelectorAll(".react[data-emoji]")
  );
  for (const button of buttons) {
    button.addEventListener("click", () => react(page, button.dataset.emoji ?? ""));
  }
}

/**
 * React, and see it.
 * 
 * @param {Page} page
 * @param {string} emoji
 */
export function react(page, emoji) {
  if (!page.ask({ type: "react", emoji })) return;
  own.set(emoji, [...(own.get(emoji) ?? []), performance.now()]);
  show(emoji, 1);
}

/** @param {Record<string, number>} counts */
function showReactions(counts) {
  for (const [emoji, count] of Object.entries(counts)) {
    const others = count - comeBack(emoji, count);
    if (others > 0) show(emoji, others);
  }
}

/**
 * How many of these are one's own, which were seen already.
 * 
 * @param {string} emoji
 * @param {number} count
 */
function comeBack(emoji, count) {
  const since = performance.now() - OWN_FORGOTTEN_MS;
  const waiting = (own.get(emoji) ?? []).filter((at) => at > since);
  own.set(emoji, waiting.slice(count));
  return Math.min(count, waiting.length);
}

/**
 * @param {string} emoji
 * @param {number} count
 */
function show(emoji, count) {
  if (calm.matches) return tally(emoji, count);
  const layer = byId("floating");
  for (let n = 0; n < Math.min(count, AT_ONCE); n += 1) {
    setTimeout(() => float(layer, emoji), n * APART_MS + Math.random() * 60);
  }
}

/**
 * @param {HTMLElement} layer
 * @param {string} emoji
 */
function float(layer, emoji) {
  if (layer.children.length >= ALIVE_MAX) return;
  const node = el("span", { class: "float" }, emoji);
  node.style.setProperty("--lane", String(Math.random()));
  layer.append(node);
  setTimeout(() => node.remove(), LIFE_MS);
}

// --- without motion: what came in the last seconds, renewed once a second ---------------------

/** @type {Map<string, number>} */
const counted = new Map();
let renewing = 0;
let forgetting = 0;

/**
 * @param {string} emoji
 * @param {number} count
 */
function tally(emoji, count) {
  counted.set(emoji, (counted.get(emoji) ?? 0) + count);
  clearTimeout(forgetting);
  forgetting = setTimeout(forget, COUNT_SEEN_MS);
  if (renewing !== 0) return;
  renew();
  renewing = setTimeout(() => {
    renewing = 0;
    renew();
  }, COUNT_EVERY_MS);
}

function renew() {
  const most = [...counted].sort(([, a], [, b]) => b - a).slice(0, 4);
  byId("counted").hidden = most.length === 0;
  setText(byId("counted"), most.map(([emoji, count]) => `${emoji}\u00a0${count}`).join("  "));
}

function forget() {
  counted.clear();
  renew();
}
