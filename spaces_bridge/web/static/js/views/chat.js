// What people write to each other: a log beside the captions, its tab counts what is unread.

import { byId, el, face, icon, setText } from "../dom.js";
import { Following } from "../follow.js";
import { linked } from "../links.js";
import { nameOf, showName } from "../names.js";
import { language, say } from "../words.js";
import { startWriting } from "./compose.js";
import { openPerson } from "./person.js";
import { isOpen, offerPanel } from "./tabs.js";

/** The field of `hello` that has the last lines. */
const HELLO_FIELD = "lines";

const LINES_KEPT = 300;

/** Lines of one person that follow each other this fast stand under one name. */
const SAME_BREATH_MS = 5 * 60 * 1000;

const writers = new Map(); // id -> {id, name, guest, tone} of those whose lines were seen

let log, following;
let unread = 0;

/** Who has written here, the last one first. */
export const authors = () => [...writers.values()].reverse();

export function start(page) {
  log = byId("chat-lines");
  following = new Following(log, byId("chat-newest"));
  page.on("hello", (frame) => catchUp(page, frame[HELLO_FIELD] ?? []));
  page.on("chat", (line) => show(page, line));
  page.on("change", (state) => look(page, state));
  byId("tab-chat").addEventListener("opened", () => {
    seen();
    byId("chat").scrollIntoView({ block: "nearest" });
  });
  startWriting(page);
}

function look(page, { space, you }) {
  offerPanel("chat", space.state !== "ended" || log.children.length > 0);
  log.dataset.moderates = you.may_moderate ? "yes" : "no";
  if (isOpen("chat")) seen();
}

/** After a pause: lines that stand already are not said again, those taken away meanwhile go. */
function catchUp(page, lines) {
  const first = log.children.length === 0;
  const known = new Set(lines.map((line) => line.id));
  const since = lines[0]?.at_ms ?? Infinity;
  for (const node of [...log.children]) {
    if (Number(node.dataset.at) >= since && !known.has(node.dataset.key)) node.remove();
  }
  for (const line of lines) show(page, line, { counts: !first });
  if (first) following.follow();
}

function show(page, line, { counts = true } = {}) {
  const standing = [...log.children].find((node) => node.dataset.key === line.id);
  if (line.removed) {
    if (standing) takeAway(standing);
  } else if (standing) {
    fill(standing, line);
  } else {
    add(page, line);
    if (counts && line.user !== page.state?.you.id && !isOpen("chat")) count();
  }
  group();
  byId("chat-empty").hidden = log.children.length > 0;
  following.keepUp();
}

function takeAway(node) {
  const focused = node.contains(document.activeElement);
  node.remove();
  if (focused) log.focus();
}

function add(page, line) {
  const person = { id: line.user, name: line.name, guest: line.guest, tone: line.tone };
  writers.delete(line.user);
  writers.set(line.user, person);
  // read out only where it is seen
  log.setAttribute("aria-live", isOpen("chat") ? "polite" : "off");
  log.append(newLine(page, line, person));
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
    button("line-face", nameOf(person), face({ ...person, name: nameOf(person) })),
    el(
      "div",
      { class: "line-body" },
      el("p", { class: "line-head" }, name, " ", el("time", {}, timeOf(line.at_ms))),
      el("p", { class: "line-text", dir: "auto" }),
    ),
    button("line-more", say("chat.moderate", { name: nameOf(person) }), icon("more")),
  );
  fill(node, line);
  return node;
}

function fill(node, line) {
  const text = node.querySelector(".line-text");
  if (text.textContent !== line.text) text.replaceChildren(...linked(line.text));
  const mark = node.querySelector(".line-edited");
  if (line.edited && !mark) {
    node.querySelector(".line-body").append(el("p", { class: "line-edited" }, say("chat.edited")));
  }
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
