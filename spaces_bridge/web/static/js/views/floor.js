// What the person may do on the stage right now, in words: invited, muted, on air.

import { settle } from "../aim.js";
import { byId, childrenOf, el, setText } from "../dom.js";
import { say } from "../words.js";

/** @import { Microphone } from "../microphone.js" */
/** @import { Page, State } from "../page.js" */

/** @param {Page} page */
export function start(page) {
  page.on("change", ({ you }) => show(page, you));
}

/**
 * Whether the panel says what a notice would, for as long as it holds.
 * 
 * @param {Frames.NoticeFrame} notice
 * @param {State | null} state
 */
export function says({ code }, state) {
  if (code === "unmuted") return !state?.you.may_moderate;
  return code === "muted_by_host" || code === "invited";
}

/**
 * @param {Page} page
 * @param {Frames.You} you
 */
function show(page, you) {
  const { microphone } = page;
  const box = byId("floor");
  const offered = you.may_speak && !(you.may_moderate && microphone.state === "off");
  const muted = you.muted && you.role !== "listener";
  box.hidden = !(offered || muted || you.invited);
  if (!box.hidden) {
    const [title = "", text = ""] = offered
      ? [say("floor.title"), floorText(you, microphone)]
      : muted
        ? [say("floor.muted_title"), say("floor.muted_text")]
        : [say("floor.invited_title"), say("floor.invited_text")];
    setText(byId("floor-title"), title);
    setText(byId("floor-text"), text);
  }
  showInvitation(page, you);
}

/**
 * @param {Frames.You} you
 * @param {Microphone} microphone
 */
function floorText(you, microphone) {
  if (microphone.state === "off") return say(microphone.trouble ? "floor.again" : "floor.offered");
  if (microphone.state === "asking") return say("floor.asking");
  if (microphone.reconnecting) return say("floor.reconnecting");
  if (microphone.state !== "on") return say("floor.waiting");
  if (microphone.interrupted) return say("floor.interrupted");
  return say(you.on_air ? "floor.on_air" : "floor.microphone_muted");
}

/**
 * @param {Page} page
 * @param {Frames.You} you
 */
function showInvitation(page, you) {
  const box = byId("invitation");
  if (box.hidden === !you.invited) return;
  box.hidden = !you.invited;
  box.replaceChildren();
  if (!you.invited) return;
  /**
   * @param {string} look
   * @param {"accept" | "decline"} type
   */
  const button = (look, type) =>
    el("button", { type: "button", class: `button ${look}`, click: () => page.ask({ type }) }, say(`floor.${type}`));
  box.append(button("button-small", "decline"), button("button-small button-strong", "accept"));
  for (const node of childrenOf(box)) settle(node);
}
