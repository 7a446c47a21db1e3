// What people write to each other: a log beside the captions, its tab counts what is unread.

import { byId, childrenOf, el, face, icon, part, setText } from "../dom.js";
import { Following } from "../follow.js";
import { linked } from "../links.js";
import { nameOf, showName } from "../names.js";
import { language, say, sayIfKnown } from "../words.js";
import { setAuthor } from "./authors.js";
import { startWriting } from "./compose.js";
import { openPerson } from "./person.js";
import { isOpen, offerPanel } from "./tabs.js";

/** @import { Page, State } from "../page.js" */
/** @import { Author } from "./authors.js" */

/** As many lines `hello` has at most: of fewer, they are all there are. */
const HELLO_LINES = 50;

const LINES_KEPT = 300;

/** Lines of one person that follow each other this fast stand under one name. */
const SAME_BREATH_MS = 5 * 60 * 1000;

/** @type {Following | undefined} */
let following;
let unread = 0;

/** @param {Page} page */
export function start(page) {
  const log = byId("chat-lines");
  following = new Following(log, byId("chat-newest"));
  page.on("hello", (frame) => catchUp(page, frame.chat_lines));
  page.on("chat", (frame) => hear(page, frame));
  page.on("change", look);
  byId("tab-chat").addEventListener("opened", seen);
  startWriting(page);
}

/** @param {State} state */
function look({ space, you }) {
  const log = byId("chat-lines");
  offerPanel("chat", space.state !== "ended" || log.children.length > 0);
  log.dataset.moderates = you.may_moderate ? "yes" : "no";
  if (isOpen("chat")) seen();
}

/**
 * A frame is one line, new or changed; a line or a writer taken away; or the last lines anew.
 * 
 * @param {Page} page
 * @param {Frames.ChatFrame | Frames.ChatLineRemovedFrame | Frames.ChatWriterRemovedFrame | Frames.ChatLinesFrame} frame
 */
function hear(page, frame) {
  if ("lines" in frame) catchUp(page, frame.lines, { news: false });
  else if (!("removed" in frame)) show(page, frame);
  else if ("id" in frame) takeAway(({ dataset }) => dataset.key === frame.id);
  else takeAway(({ dataset }) => dataset.user === frame.user);
  settle();
}

/**
 * Lines that stand already are not said again; those taken away meanwhile go.
 * 
 * @param {Page} page
 * @param {Frames.ChatLine[]} lines
 */
function catchUp(page, lines, { news = byId("chat-lines").children.length > 0 } = {}) {
  const first = byId("chat-lines").children.length === 0;
  const known = new Set(lines.map((line) => line.id));
  const since = lines.length < HELLO_LINES ? -Infinity : (lines[0]?.at_ms ?? -Infinity);
  takeAway(({ dataset }) => Number(dataset.at) >= since && !known.has(dataset.key ?? ""));
  for (const line of lines) show(page, line, { news });
  settle();
  if (first) following?.follow();
}

/**
 * @param {Page} page
 * @param {Frames.ChatLine} line
 */
function show(page, line, { news = true } = {}) {
  const log = byId("chat-lines");
  const standing = childrenOf(log).find((node) => node.dataset.key === line.id);
  if (standing) return fill(standing, line);
  // read out only where it is seen, and not what was said long ago
  log.setAttribute("aria-live", news && isOpen("chat") ? "polite" : "off");
  add(page, line);
  if (news && line.user !== page.state?.you.id && !isOpen("chat")) count();
}

function settle() {
  group();
  byId("chat-empty").hidden = byId("chat-lines").children.length > 0;
  following?.keepUp();
}

/** @param {(node: HTMLElement) => boolean} isMeant */
function takeAway(isMeant) {
  const log = byId("chat-lines");
  const focused = document.activeElement?.closest(".line");
  for (const node of childrenOf(log).filter(isMeant)) {
    node.remove();
    if (node === focused) log.focus();
  }
}

/**
 * @param {Page} page
 * @param {Frames.ChatLine} line
 */
function add(page, line) {
  const log = byId("chat-lines");
  const person = { id: line.user, name: line.name, guest: line.guest, tone: line.tone };
  const after = childrenOf(log).findLast((node) => Number(node.dataset.at) <= line.at_ms);
  const node = newLine(page, line, person);
  setAuthor(node, person);
  if (after) after.after(node);
  else log.prepend(node);
  while (log.children.length > LINES_KEPT) log.firstChild?.remove();
}

/**
 * @param {Page} page
 * @param {Frames.ChatLine} line
 * @param {Author} person
 */
function newLine(page, line, person) {
  const click = () => openPerson(page, person, { quote: part(node, ".line-text").textContent ?? "" });
  /**
   * @param {string} look
   * @param {string} label
   * @param {Element} child
   */
  const button = (look, label, child) =>
    el("button", { type: "button", class: look, "aria-label": label, "aria-haspopup": "dialog", click }, child);
  const name = el("span", { class: `line-name ink-${Number(line.tone) || 0}`, "aria-hidden": "true" });
  showName(name, person);
  const node = el(
    "div",
    { class: "line", "data-key": line.id, "data-user": line.user, "data-at": line.at_ms },
    button("bare line-face", nameOf(person), face({ ...person, name: nameOf(person) })),
    el(
      "div",
      { class: "line-body" },
      el("p", { class: "line-head" }, name, " ", el("time", {}, timeOf(line.at_ms))),
      el("p", { class: "line-text", dir: "auto" }),
    ),
    button("icon-button line-more", say("chat.moderate", { name: nameOf(person) }), icon("more")),
  );
  fill(node, line);
  return node;
}

/**
 * @param {HTMLElement} node
 * @param {Frames.ChatLine} line
 */
function fill(node, line) {
  const text = part(node, ".line-text");
  const words = wordsOf(line);
  if (text.textContent !== words) text.replaceChildren(...linked(words));
  text.classList.toggle("told", line.kind !== "text");
  const mark = node.querySelector(".line-edited");
  if (line.edited && !mark) {
    part(node, ".line-body").append(el("p", { class: "line-edited" }, say("chat.edited")));
  }
}

/**
 * Of what is no text, the page says what it is; pictures and sounds stay in the room.
 * 
 * @param {Frames.ChatLine} line
 */
function wordsOf({ kind, text, file }) {
  const said = sayIfKnown(`chat.sent_${kind}`);
  return said === null ? text : file ? `${said}: ${file}` : said;
}

/** Lines in one breath need no second face; whoever hears the page still hears who it is. */
function group() {
  /** @type {HTMLElement | undefined} */
  let before;
  for (const node of childrenOf(byId("chat-lines"))) {
    const again =
      before?.dataset.user === node.dataset.user &&
      Number(node.dataset.at) - Number(before?.dataset.at) < SAME_BREATH_MS;
    node.classList.toggle("again", again);
    part(node, ".line-name").setAttribute("aria-hidden", String(!again));
    before = node;
  }
}

/** @param {number} ms */
const timeOf = (ms) =>
  new Date(ms).toLocaleTimeString(language, { hour: "numeric", minute: "2-digit" });

function count() {
  unread += 1;
  byId("unread").hidden = false;
  setText(byId("unread-shown"), unread > 99 ? "99+" : String(unread));
  setText(byId("unread-said"), say("chat.unread", { count: unread }));
}

function seen() {
  unread = 0;
  byId("unread").hidden = true;
  setText(byId("unread-said"), "");
}
