// How loud somebody on the stage is heard, as a moderator sets it; else the server sees to that.

import { byId, setText } from "../dom.js";
import { say } from "../words.js";
import { isBelow } from "./moderation.js";

/** @import { Page } from "../page.js" */
/** @import { Somebody } from "./moderation.js" */

const AS_SENT = 100;
/** Whom the slider is about. */
let user = "";
/** While it is moved, nothing else moves it. */
let moving = false;

/** @param {Page} page */
export function start(page) {
  const slider = byId("person-percent");
  slider.addEventListener("input", () => {
    moving = true;
    show(Number(slider.value));
  });
  slider.addEventListener("change", () => {
    moving = false;
    page.ask({ type: "volume", user, percent: Number(slider.value) });
  });
  byId("person-volume-auto").addEventListener("click", () => {
    page.ask({ type: "volume", user, percent: null });
  });
}

/**
 * @param {Somebody} person
 * @param {Frames.You} you
 */
export function fill(person, you) {
  const may = you.may_moderate && person.id !== you.id && person.role !== "listener" && isBelow(person, you);
  byId("person-volume").hidden = !may;
  moving &&= person.id === user;
  user = person.id;
  if (!may || moving) return;
  const percent = person.volume ?? null;
  byId("person-percent").value = String(percent ?? AS_SENT);
  byId("person-volume-auto").setAttribute("aria-pressed", String(percent === null));
  show(percent);
}

/** @param {number | null} percent */
function show(percent) {
  const words = percent === null ? say("person.volume_auto") : say("person.volume_percent", { percent: String(percent) });
  setText(byId("person-volume-now"), words);
  byId("person-percent").setAttribute("aria-valuetext", words);
}
