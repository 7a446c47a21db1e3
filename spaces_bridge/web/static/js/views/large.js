// Captions as on a stage screen: the two newest lines, as big as the window lets them be.
//
// Opened by its button, or by `?view=captions` in the address (projectors, links in Matrix).
// A modal dialog silences the page behind it, the log too: so it has a log of its own, unseen.

import { byId, el, keyed, part, setText } from "../dom.js";
import { lines } from "../lines.js";
import { stayAwake } from "../wake.js";
import { say } from "../words.js";
import { grow, growing, languageOf, nameOf } from "./caption_line.js";
import { stateOf } from "./captions.js";

/** @import { Draft } from "../drafts.js" */
/** @import { Page } from "../page.js" */

const COLUMNS = 42;
const ROWS = 2;
const READ_KEPT = 10;

/** @type {Frames.Caption[]} */
let finals = []; // the last ones, each a turn that can still be on the screen
/** @type {Draft[]} */
let drafts = [];

/** @param {Page} page */
export function start(page) {
  const dialog = byId("captions-large");
  let wanted = new URLSearchParams(location.search).get("view") === "captions";
  byId("large").hidden = false;
  byId("large").addEventListener("click", () => open(page));
  byId("large-leave").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", left);
  offerFullScreen();
  page.on("hello", ({ captions }) => {
    finals = captions.slice(-ROWS);
    show(page);
  });
  page.on("change", () => {
    if (wanted) open(page);
    wanted = false;
    show(page);
  });
  page.on("caption", (caption) => {
    if (caption.final) finish(caption);
    show(page);
  });
  page.on("drafts", (all) => {
    drafts = all;
    show(page);
  });
  page.on("notice", () => show(page));
  page.on("left", () => dialog.close());
  // the page's own word on its connection
  new MutationObserver(() => show(page)).observe(byId("link"), { childList: true });
}

/** @param {Page} page */
function open(page) {
  const dialog = byId("captions-large");
  if (dialog.open) return;
  dialog.showModal();
  setView("captions");
  stayAwake("captions", true); // a screen that goes dark says nothing
  show(page);
}

function left() {
  if (document.fullscreenElement) void document.exitFullscreen();
  setView(null);
  stayAwake("captions", false);
  byId("large-log").replaceChildren();
}

/** By a tap only, as browsers ask; and not the dialog, which must not, but what is in it. */
function offerFullScreen() {
  const button = byId("large-full");
  button.hidden = !document.fullscreenEnabled;
  button.addEventListener("click", () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void byId("large-stage").requestFullscreen();
  });
  document.addEventListener("fullscreenchange", () => {
    button.setAttribute("aria-pressed", String(document.fullscreenElement !== null));
  });
}

/**
 * In the address, so that a reload of a projector's page shows the same.
 * 
 * @param {string | null} view
 */
function setView(view) {
  const address = new URL(location.href);
  if (view === null) address.searchParams.delete("view");
  else address.searchParams.set("view", view);
  history.replaceState(history.state, "", address);
}

/** @param {Frames.Caption} caption */
function finish(caption) {
  finals = [...finals.filter(({ id }) => id !== caption.id), caption].slice(-ROWS);
  const log = byId("large-log");
  if (!byId("captions-large").open || document.documentElement.dataset.captions === "off") return;
  log.append(el("p", { lang: languageOf(caption) }, `${caption.name}: ${caption.text}`));
  if (log.children.length > READ_KEPT) log.firstElementChild?.remove();
}

/** @param {Page} page */
function show({ state }) {
  if (!byId("captions-large").open || state === null) return;
  const rows = rowsOf();
  setText(byId("large-title"), state.space.title);
  const ended = state.space.state === "ended" ? say("end.ended") : "";
  const waiting = rows.length === 0 ? say("space.captions_empty") : "";
  setText(byId("large-state"), byId("link").textContent || ended || stateOf(state) || waiting);
  /** @type {string | null} */
  let before = null;
  keyed(byId("large-lines"), rows, ({ key }) => key, newRow, (node, { caption, text, solid }) => {
    part(node, ".large-name").hidden = before === caption.speaker;
    grow(part(node, ".large-line"), text.slice(0, solid), text.slice(solid));
    before = caption.speaker;
  });
}

/** One line of each where two speak at once, else the last two of all. */
function rowsOf() {
  if (drafts.length >= ROWS) return drafts.slice(0, ROWS).flatMap((draft) => rowsIn(draft).slice(-1));
  return [...finals, ...drafts].flatMap(rowsIn).slice(-ROWS);
}

/**
 * @typedef {{key: string, caption: Frames.Caption | Draft, text: string, solid: number}} Row
 * @param {Frames.Caption | Draft} caption
 * @returns {Row[]}
 */
function rowsIn(caption) {
  const solid = "solid" in caption ? caption.solid : caption.text.length;
  return lines(caption.text, COLUMNS).map(({ start, text }) => ({
    key: `${start} ${caption.id}`,
    caption,
    text,
    solid: Math.max(0, solid - start),
  }));
}

/** @param {Row} row */
function newRow({ caption }) {
  return el(
    "div",
    { lang: languageOf(caption) },
    nameOf(caption, "large-name"),
    growing("p", { class: "large-line", dir: "auto" }),
  );
}
