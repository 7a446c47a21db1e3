// Who is on stage, and the rings of those who speak.

import { settling } from "../aim.js";
import { byId, el, face, fillFace, icon, keyed } from "../dom.js";
import { nameOf, showName } from "../names.js";
import { say, sayIfKnown } from "../words.js";
import { openPerson } from "./person.js";

const FADE_MS = 700;
const FADE_EVERY_MS = 350;
const LOUD = 4; // of 100: below, nobody is speaking

const speaking = new Map(); // id -> when last loud

export function start(page) {
  page.on("change", (state) => show(page, state));
  page.on("speaking", ({ levels }) => showLevels(levels));
  setInterval(fadeLevels, FADE_EVERY_MS);
}

function show(page, { roster }) {
  settling(byId("stage"), () =>
    keyed(
      byId("stage"),
      roster.stage,
      (person) => person.id,
      newPerson,
      (node, person) => fillPerson(page, node, person),
    ),
  );
  byId("stage-empty").hidden = roster.stage.length > 0;
}

function newPerson(person) {
  return el(
    "li",
    { class: "person" },
    face(person),
    el("span", { class: "person-name" }, el("bdi")),
    el("span", { class: "person-role" }),
  );
}

/** Put what is seen of a person into a button; the server's list, without a script, has none. */
function opener(page, node) {
  const button = el("button", { type: "button", class: "bare person-open", "aria-haspopup": "dialog" });
  button.append(...node.childNodes);
  button.addEventListener("click", () => {
    const person = page.state.roster.stage.find(({ id }) => id === node.dataset.key);
    if (person) openPerson(page, person);
  });
  node.append(button);
}

function fillPerson(page, node, person) {
  if (!node.querySelector(".person-open")) opener(page, node);
  fillFace(node.querySelector(".face"), { ...person, name: nameOf(person) });
  showName(node.querySelector(".person-name"), person);
  node.classList.toggle("on-air", person.on_air);
  fillRole(node.querySelector(".person-role"), person);
}

function fillRole(role, person) {
  const rank = sayIfKnown(`role.${person.role}`) ?? "";
  const air = person.muted ? "muted" : String(person.on_air);
  if (role.textContent.trim() === rank && role.dataset.air === air) return;
  role.dataset.air = air;
  const off = person.on_air ? [] : [icon("mic-off")];
  role.replaceChildren(...off, rank);
  role.title = person.on_air ? "" : say(person.muted ? "stage.muted_by_host" : "stage.microphone_off");
}

/** `levels`: id -> 0 to 100. */
function showLevels(levels) {
  const now = performance.now();
  for (const node of byId("stage").children) {
    const level = levels[node.dataset.key] ?? 0;
    if (level > LOUD) speaking.set(node.dataset.key, now);
    const recently = now - (speaking.get(node.dataset.key) ?? -FADE_MS) < FADE_MS;
    node.classList.toggle("speaking", recently);
    node.style.setProperty("--level", String(Math.min(1, level / 70)));
  }
}

/** Rings of people whose levels stopped coming. */
function fadeLevels() {
  const now = performance.now();
  for (const node of byId("stage").children) {
    if (now - (speaking.get(node.dataset.key) ?? 0) > FADE_MS) node.classList.remove("speaking");
  }
}
