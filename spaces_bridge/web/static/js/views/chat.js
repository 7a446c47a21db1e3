// What people write to each other: a log beside the captions, its tab counts what is unread.

import { byId, el, face, icon, setText } from "../dom.js";
import { Following } from "../follow.js";
import { linked } from "../links.js";
import { nameOf, showName } from "../names.js";
import { language, say, sayIfKnown } from "../words.js";
import { setAuthor } from "./authors.js";
import { startWriting } from "./compose.js";
import { openPerson } from "./person.js";
import { isOpen, offerPanel } from "./tabs.js";

/** The field of `hello` that has the last lines. */
const HELLO_FIELD = "chat_lines";

/** As many lines it has at most: of fewer, they are all there are. */
const HELLO_LINES = 50;

const LINES_KEPT = 300;

/** Lines of one person that follow each other this fast stand under one name. */
const SAME_BREATH_MS = 5 * 60 * 1000;

let log, following;
let unread = 0;

export function start(page) {
  log = byId("chat-lines");
  following = new Following(log, byId("chat-newest"));
  page.on("hello", (frame) => catchUp(page, frame[HELLO_FIELD] ?? []));
  page.on("chat", (frame) => hear(page, frame));
  page.on("change", (state) => look(page, state));
  byId("tab-chat").addEventListener("opened", seen);
  startWriting(page);
}

function look(page, { space, you }) {
  offerPanel("chat", space.state !== "ended" || log.children.length > 0);
  log.dataset.moderates = you.may_moderate ? "yes" : "no";
  if (isOpen("chat")) seen();
}

/** A frame is one line, new or changed; a line or a writer taken away; or the last lines anew. */
function hear(page, frame) {
  if (frame.lines) catchUp(page, frame.lines, { news: false });
  else if (frame.removed) takeAway((node) => node.dataset.key === frame.id || node.dataset.user === frame.user);
  else show(page, frame);
  settle();
}

/** Lines that stand already are not said again; those taken away meanwhile go. */
function catchUp(page, lines, { news = log.children.length > 0 } = {}) {
  const first = log.children.length === 0;
  const known = new Set(lines.map((line) => line.id));
  const since = lines.length < HELLO_LINES ? -Infinity : lines[0].at_ms;
  takeAway(({ dataset }) => Number(dataset.at) >= since && !known.has(dataset.key));
  for (const line of lines) show(page, line, { news });
  settle();
  if (first) following.follow();
}

function show(page, line, { news = true } = {}) {
  const standing = [...log.children].find((node) => node.dataset.key === line.id);
  if (standing) return fill(standing, line);
  // read out only where it is seen, and not what was said long ago
  log.setAttribute("aria-live", news && isOpen("chat") ? "polite" : "off");
  add(page, line);
  if (news && line.user !== page.state?.you.id && !isOpen("chat")) count();
}

function settle() {
  group();
  byId("chat-empty").hidden = log.children.length > 0;
  following.keepUp();
}

function takeAway(isMeant) {
  const focused = document.activeElement?.closest(".line");
  for (const node of [...log.children].filter(isMeant)) {
    node.remove();
    if (node === focused) log.focus();
  }
}

function add(page, line) {
  const person = { id: line.user, name: line.name, guest: line.guest, tone: line.tone };
  const after = [...log.children].findLast((node) => Number(node.dataset.at) <= line.at_ms);
  const node = newLine(page, line, person);
  setAuthor(node, person);
  if (after) after.after(node);
  else log.prepend(node);
  while (log.children.length > LINES_KEPT) log.firstChild.remove();
}

function newLine(page, line, person) {
  const ask = (event) => {
    const text = event.currentTarget.closest(".line").querySelector(".line-text").textContent;
    openPerson(page, person, { quote: text });
  };
  const button = (look, label, child) =>
    el("button", { type: "button", class: look, "aria-label": label, "aria-haspopup": "dialog", click: ask }, child);
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

function fill(node, line) {
  const text = node.querySelector(".line-text");
  const words = wordsOf(line);
  if (text.textContent !== words) text.replaceChildren(...linked(words));
  text.classList.toggle("told", !["text", undefined].includes(line.kind));
  const mark = node.querySelector(".line-edited");
  if (line.edited && !mark) {
    node.querySelector(".line-body").append(el("p", { class: "line-edited" }, say("chat.edited")));
  }
}

/** Of what is no text, the page says what it is; pictures and sounds stay in the room. */
function wordsOf({ kind, text, file }) {
  const said = sayIfKnown(`chat.sent_${kind}`);
  return said === null ? text : file ? `${said}: ${file}` : said;
}

/** Lines in one breath need no second face; whoever hears the page still hears who it is. */
function group() {
  let before = null;
  for (const node of log.children) {
    const again =
      before?.dataset.user === node.dataset.user &&
      Number(node.dataset.at) - Number(before.dataset.at) < SAME_BREATH_MS;
    node.classList.toggle("again", again);
    node.querySelector(".line-name").setAttribute("aria-hidden", String(!again));
    before = node;
  }
}

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
