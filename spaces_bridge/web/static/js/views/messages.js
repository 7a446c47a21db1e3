// Sentences for everybody to read, and the page that stands in for the live space.

import { byId, setText } from "../dom.js";
import { say } from "../words.js";

const SHOWN_MS = 12000;

/**
 * @param {string} title
 * @param {string} text
 */
export function showSorry(title, text) {
  byId("space").hidden = true;
  byId("bar").hidden = true;
  byId("sorry").hidden = false;
  byId("leave").hidden = true;
  byId("link").hidden = true;
  setText(byId("sorry-title"), title);
  setText(byId("sorry-text"), text);
}

/** Gone by one's own wish, where there is no other page to go to. */
export function showLeft() {
  showSorry(say("leave.left"), say("leave.left_text"));
  byId("leave").hidden = true;
  const back = byId("come-back");
  back.hidden = false;
  back.addEventListener("click", () => location.reload());
  back.focus();
}

export function showSpace() {
  byId("sorry").hidden = true;
  byId("link").hidden = false;
  byId("space").hidden = false;
}

let hiding = 0;

/**
 * One sentence; it goes by itself unless it is to stay.
 * 
 * @param {string} text
 */
export function showNotice(text, { stays = false } = {}) {
  const box = byId("notice");
  box.hidden = false;
  setText(box, text);
  clearTimeout(hiding);
  if (!stays) hiding = setTimeout(() => (box.hidden = true), SHOWN_MS);
}
