// One's own level, while the microphone is on: in its button, and in the settings.

import { byId } from "../dom.js";

/** @import { Page } from "../page.js" */

const EVERY_MS = 100;

let timer = 0;

/** @param {Page} page */
export function start({ microphone }) {
  microphone.addEventListener("change", () => {
    const on = microphone.state === "on";
    byId("level-hint").hidden = on;
    if (on === (timer !== 0)) return;
    clearInterval(timer);
    timer = on ? setInterval(() => show(microphone.level), EVERY_MS) : 0;
    show(0);
  });
}

/**
 * `level`: 0 to 1. Only who opens the settings hears of it by words.
 * 
 * @param {number} level
 */
function show(level) {
  for (const node of [byId("microphone"), byId("level")]) node.style.setProperty("--level", level.toFixed(2));
  byId("level").setAttribute("aria-valuenow", String(Math.round(level * 100)));
}
