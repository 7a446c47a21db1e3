// Who is on stage, and the rings of those who speak.

import { settling } from "../aim.js";
import { byId, childrenOf, el, face, fillFace, icon, keyed, part } from "../dom.js";
import { nameOf, showName } from "../names.js";
import { say, sayIfKnown } from "../words.js";
import { openPerson } from "./person.js";

/** @import { Page, State } from "../page.js" */

const FADE_MS = 700;
const FADE_EVERY_MS = 350;
const LOUD = 4; // of 100: below, nobody is speaking

/** @type {Map<string, number>} */
const speaking = new Map(); // id -> when last loud

/** @param {Page} page */
export function start(page) {
  page.on("change", (state) => show(page, state));
  page.on("speaking", ({ levels }) => showLevels(levels));
  setInterval(fadeLevels, FADE_EVERY_MS);
}

/**
 * @param {Page} page
 * @param {State} state
 */
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

/** @param {Frames.StagePerson} person */
function newPerson(person) {
  return el(
    "li",
    { class: "person" },
    face(person),
    el("span", { class: "person-name" }, el("bdi")),
    el("span", { class: "person-role" }),
  );
}

/**
 * Put what is seen of a person into a button; the server's list, without a script, has none.
 * 
 * @param {Page} page
 * @param {HTMLElement} node
 */
function opener(page, node) {
  const button = el("button", { type: "button", class: "bare person-open", "aria-haspopup": "dialog" });
  button.append(...node.childNodes);
  button.addEventListener("click", () => {
    const person = page.now.roster.stage.find(({ id }) => id === node.dataset.key);
    if (person) openPerson(page, person);
  });
  node.append(button);
}

/**
 * @param {Page} page
 * @param {HTMLElement} node
 * @param {Frames.StagePerson} person
 */
function fillPerson(page, node, person) {
  if (!node.querySelector(".person-open")) opener(page, node);
  fillFace(part(node, ".face"), { ...person, name: nameOf(person) });
  showName(part(node, ".person-name"), person);
  node.classList.toggle("on-air", person.on_air);
  fillRole(part(node, ".person-role"), person);
}

/**
 * @param {HTMLElement} role
 * @param {Frames.StagePerson} person
 */
function fillRole(role, person) {
  const rank = sayIfKnown(`role.${person.role}`) ?? "";
  const air = person.muted ? "muted" : String(person.on_air);
  if (role.textContent?.trim() === rank && role.dataset.air === air) return;
  role.dataset.air = air;
  const off = person.on_air ? [] : [icon("mic-off")];
  role.replaceChildren(...off, rank);
  role.title = person.on_air ? "" : say(person.muted ? "stage.muted_by_host" : "stage.microphone_off");
}

/**
 * `levels`: id -> 0 to 100.
 * 
 * @param {Record<string, number>} levels
 */
function showLevels(levels) {
  const now = performance.now();
  for (const node of childrenOf(byId("stage"))) {
    const { key = "" } = node.dataset;
    const level = levels[key] ?? 0;
    if (level > LOUD) speaking.set(key, now);
    const recently = now - (speaking.get(key) ?? -FADE_MS) < FADE_MS;
    node.classList.toggle("speaking", recently);
    node.style.setProperty("--level", String(Math.min(1, level / 70)));
  }
}

/** Rings of people whose levels stopped coming. */
function fadeLevels() {
  const now = performance.now();
  for (const node of childrenOf(byId("stage"))) {
    if (now - (speaking.get(node.dataset.key ?? "") ?? 0) > FADE_MS) node.classList.remove("speaking");
  }
}
