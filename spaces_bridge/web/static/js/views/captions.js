// What is said, as text: a log that follows along until the reader scrolls back.
//
// The log is a live region and holds finished utterances only: screen readers say each of them
// once. What is still being said stands below it, outside of the region and hidden from screen
// readers: they would read every draft anew, over the voice of whoever speaks.

import { byId, childrenOf, el, keyed, part, setText } from "../dom.js";
import { Drafts } from "../drafts.js";
import { Following } from "../follow.js";
import { say } from "../words.js";
import { grow, growing, languageOf, nameOf } from "./caption_line.js";

/** @import { Draft } from "../drafts.js" */
/** @import { Page, State } from "../page.js" */
/** @import { Caption } from "./caption_line.js" */

const LINES_KEPT = 500;
const DRAFTS_SHOWN = 3;

/** A pause so short that the talker's next line needs no name. */
const SAME_TURN_MS = 4000;

/** @type {Following | undefined} */
let following; // the log, as its reader has scrolled it
let paused = false;
/** @type {Draft[]} */
let drafts = [];

/** @param {Page} page */
export function start(page) {
  const box = byId("captions-box");
  following = new Following(box, byId("newest"), box.children);
  const speaking = new Drafts((all) => page.tell("drafts", all));
  page.on("hello", ({ captions }) => {
    speaking.clear();
    showKnown(captions);
  });
  page.on("caption", (frame) => {
    if (!frame.final) {
      if (!standing(frame.id)) speaking.take(frame);
      return;
    }
    speaking.end(frame.id);
    paused = false;
    addLine(frame);
    showDrafts();
    showState(page.state);
  });
  page.on("drafts", (all) => {
    drafts = all;
    showDrafts();
  });
  page.on("notice", ({ code }) => {
    if (code === "captions_paused") paused = true;
    if (code === "captions_resumed") paused = false;
    showState(page.state);
  });
  page.on("change", showState);
}

/**
 * All that is known; lines that stand already are not said again by screen readers.
 * 
 * @param {Frames.Caption[]} captions
 */
function showKnown(captions) {
  if (byId("captions").children.length === 0) byId("captions").replaceChildren();
  for (const caption of captions) if (!standing(caption.id)) addLine(caption);
}

/** @param {string} id */
const standing = (id) => childrenOf(byId("captions")).findLast((node) => node.dataset.key === id);

/** @param {Frames.Caption} caption */
function addLine(caption) {
  const log = byId("captions");
  const old = standing(caption.id);
  if (old) return setText(part(old, ".caption-text"), caption.text);
  // a log that was silent while captions were off speaks again from here, not of what it missed
  log.setAttribute("aria-live", document.documentElement.dataset.captions === "off" ? "off" : "polite");
  const text = el("span", { class: "caption-text", dir: "auto" }, caption.text);
  const line = el("p", marks(caption, "caption"), nameOf(caption), " ", text);
  shorten(line, caption, childrenOf(log).at(-1));
  log.append(line);
  if (log.children.length > LINES_KEPT) {
    log.firstElementChild?.remove();
    log.firstElementChild?.classList.remove("goes-on");
  }
  byId("captions-box").tabIndex = 0;
  byId("transcript").hidden = false;
  following?.keepUp();
}

/**
 * @param {Caption} caption
 * @param {string} className
 */
const marks = (caption, className) => ({
  class: className,
  lang: languageOf(caption),
  "data-key": caption.id,
  "data-speaker": caption.speaker,
  "data-end": caption.end_ms,
});

/**
 * One name stands above all that a person says in one go.
 * 
 * @param {HTMLElement} line
 * @param {Caption} caption
 * @param {HTMLElement | undefined} before
 */
function shorten(line, caption, before) {
  const same = before?.dataset.speaker === caption.speaker;
  const goesOn = same && caption.start_ms - Number(before?.dataset.end) < SAME_TURN_MS;
  line.classList.toggle("goes-on", goesOn);
}

function showDrafts() {
  let before = childrenOf(byId("captions")).at(-1);
  keyed(
    byId("drafts"),
    drafts.slice(0, DRAFTS_SHOWN),
    (draft) => draft.id,
    newDraft,
    (line, draft) => {
      const { text, solid } = draft;
      shorten(line, draft, before);
      line.dataset.end = String(draft.end_ms);
      before = line;
      grow(part(line, ".caption-text"), text.slice(0, solid), text.slice(solid));
    },
  );
  following?.keepUp();
}

/** @param {Draft} draft */
function newDraft(draft) {
  const words = growing("span", { class: "caption-text", dir: "auto" });
  return el("p", marks(draft, "caption draft"), nameOf(draft), " ", words);
}

/**
 * Why nothing comes, or why nothing has come yet.
 * 
 * @param {State} state
 */
export function stateOf({ space }) {
  if (space.state === "ended") return "";
  if (!space.captions) return say("space.captions_off");
  return paused ? say("notice.captions_paused") : "";
}

/** @param {State | null} state */
function showState(state) {
  if (state === null) return;
  const nothing = byId("captions").children.length === 0;
  const waiting = say(state.space.state === "ended" ? "captions.none" : "space.captions_empty");
  const text = stateOf(state) || (nothing ? waiting : "");
  byId("captions-empty").hidden = text === "";
  setText(byId("captions-empty"), text);
}
