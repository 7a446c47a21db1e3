// What the person may do on the stage right now, in words: invited, muted, on air.

import { byId, el, setText } from "../dom.js";
import { say } from "../words.js";

export function start(page) {
  page.on("change", ({ you }) => show(page, you));
}

function show(page, you) {
  const { microphone } = page;
  const box = byId("floor");
  const offered = you.may_speak && !(you.may_moderate && microphone.state === "off");
  const muted = you.muted && you.role !== "listener";
  box.hidden = !(offered || muted || you.invited);
  if (!box.hidden) {
    const [title, text] = offered
      ? [say("floor.title"), floorText(you, microphone)]
      : muted
        ? [say("floor.muted_title"), say("floor.muted_text")]
        : [say("floor.invited_title"), say("floor.invited_text")];
    setText(byId("floor-title"), title);
    setText(byId("floor-text"), text);
  }
  showInvitation(page, you);
}

function floorText(you, microphone) {
  if (microphone.state === "off") return say("floor.offered");
  if (microphone.state !== "on") return say("floor.waiting");
  return say(you.on_air ? "floor.on_air" : "floor.microphone_muted");
}

function showInvitation(page, you) {
  const box = byId("invitation");
  if (box.hidden === !you.invited) return;
  box.hidden = !you.invited;
  box.replaceChildren();
  if (!you.invited) return;
  const button = (look, verb) =>
    el("button", { type: "button", class: `button ${look}`, click: () => page.ask(verb) }, say(`floor.${verb}`));
  box.append(button("button-small", "decline"), button("button-small button-strong", "accept"));
}
