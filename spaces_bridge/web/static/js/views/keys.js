// Keys: L listens, H raises the hand, M mutes; with push-to-talk, holding the space bar speaks.
//
// They can be turned off (WCAG 2.1.4), and never act while something is typed or a sheet is open.

import { isSettled } from "../aim.js";
import { byId } from "../dom.js";
import { isOn } from "./settings.js";

/** @import { Microphone } from "../microphone.js" */
/** @import { Page } from "../page.js" */

/** @type {Record<string, "listen" | "ask" | "microphone">} */
const BUTTONS = { l: "listen", h: "ask", m: "microphone" };

let talking = false;
let wasOn = false;

/** @param {Page} page */
export function start(page) {
  page.on("change", () => startMuted(page.microphone));
  addEventListener("keydown", (event) => {
    if (!isFree(event)) return;
    if (event.code === "Space" && isTalkKey(page)) {
      event.preventDefault();
      if (!event.repeat) talk(page, true);
    } else if (isOn("keys") && !event.repeat) {
      press(event.key.toLowerCase());
    }
  });
  addEventListener("keyup", (event) => {
    if (event.code !== "Space") return;
    // some browsers press the focused button when the key is let go
    if (talking) event.preventDefault();
    talk(page, false);
  });
  // the key may be let go where nobody tells us
  addEventListener("blur", () => talk(page, false));
}

/** @param {KeyboardEvent} event */
function isFree({ target, altKey, ctrlKey, metaKey }) {
  if (altKey || ctrlKey || metaKey || document.querySelector("dialog[open]")) return false;
  return !(target instanceof Element && target.closest("input, textarea, select, [contenteditable]"));
}

/**
 * The space bar also presses buttons: it talks only where push-to-talk was turned on.
 * 
 * @param {Page} page
 */
const isTalkKey = ({ microphone }) => isOn("push-to-talk") && microphone.state === "on";

/**
 * @param {Page} page
 * @param {boolean} speaks
 */
function talk({ microphone }, speaks) {
  if (talking === speaks) return;
  talking = speaks;
  if (microphone.state === "on") microphone.setMuted(!speaks);
}

/**
 * With push-to-talk, a microphone that was just turned on waits for the key.
 * 
 * @param {Microphone} microphone
 */
function startMuted(microphone) {
  const isNew = microphone.state === "on" && !wasOn;
  wasOn = microphone.state === "on";
  if (isNew && isOn("push-to-talk")) microphone.setMuted(true);
}

/** @param {string} key */
function press(key) {
  const id = Object.hasOwn(BUTTONS, key) ? BUTTONS[key] : undefined;
  if (id === undefined || byId("bar").hidden) return;
  const button = byId(id);
  if (!button.hidden && !button.disabled && isSettled(button)) button.click();
}
