// Sentences for everybody to read, and the page that stands in for the live space.

import { byId, setText } from "../dom.js";

const SHOWN_MS = 12000;

export function showSorry(title, text) {
  byId("space").hidden = true;
  byId("bar").hidden = true;
  byId("sorry").hidden = false;
  byId("leave").hidden = true;
  byId("link").hidden = true;
  setText(byId("sorry-title"), title);
  setText(byId("sorry-text"), text);
}

export function showSpace() {
  byId("sorry").hidden = true;
  byId("link").hidden = false;
  byId("space").hidden = false;
}

let hiding = 0;

/** One sentence; it goes by itself unless it is to stay. */
export function showNotice(text, { stays = false } = {}) {
  const box = byId("notice");
  box.hidden = false;
  setText(box, text);
  clearTimeout(hiding);
  if (!stays) hiding = setTimeout(() => (box.hidden = true), SHOWN_MS);
}
