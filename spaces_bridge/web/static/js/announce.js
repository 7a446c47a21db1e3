// News for those who do not see the page change: said politely, several at once as one.
//
// An open sheet silences the page behind it, so each sheet has a place of its own to say it in.

import { el, part } from "./dom.js";

const GATHERED_MS = 300;
const KEPT_MS = 10000;

/** @type {string[]} */
let waiting = [];
let timer = 0;

/** The places stand empty from the start: a screen reader speaks of what comes into them. */
export function startAnnouncing() {
  for (const around of [document.body, ...document.querySelectorAll("dialog")]) {
    around.append(el("div", { class: "only-heard", role: "status", "data-announces": "" }));
  }
}

/** @param {string} sentence */
export function announce(sentence) {
  waiting.push(sentence);
  timer ||= setTimeout(speak, GATHERED_MS);
}

function speak() {
  const open = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
  // a new node each time: the same words again are news again
  const words = el("p", {}, waiting.join(" "));
  part(open, ":scope > [data-announces]").replaceChildren(words);
  setTimeout(() => words.remove(), KEPT_MS);
  [waiting, timer] = [[], 0];
}
