// Somebody on stage or in the chat, and what one may do about them.

import { settling } from "../aim.js";
import { byId, el, face, setText } from "../dom.js";
import { nameOf, showName } from "../names.js";
import { say } from "../words.js";
import { openSheet } from "./dialogs.js";
import { actionsFor } from "./moderation.js";
import { openReport } from "./report.js";
import * as volume from "./volume.js";

/** @import { Page, State } from "../page.js" */
/** @import { Author } from "./authors.js" */
/** @import { Somebody } from "./moderation.js" */

/** @type {{person: Author, quote: string} | null} */
let shown = null; // while the sheet is open
/** @type {(() => void)[]} */
let runs = []; // what its buttons do

/** @param {Page} page */
export function start(page) {
  volume.start(page);
  byId("person-dialog").addEventListener("close", () => (shown = null));
  page.on("change", (state) => shown && fill(page, state, shown));
}

/**
 * `quote`: what they wrote, when it is about that.
 *
 * @param {Page} page
 * @param {Author} person
 */
export function openPerson(page, person, { quote = "" } = {}) {
  if (page.state === null) return;
  shown = { person, quote };
  fill(page, page.state, shown);
  openSheet(byId("person-dialog"), byId("person-name"));
}

/**
 * @param {Page} page
 * @param {State} state
 * @param {{person: Author, quote: string}} shown
 */
function fill(page, state, shown) {
  const { id } = shown.person;
  /** @param {{id: string}} other */
  const isThis = (other) => other.id === id;
  const hand = state.roster.queue.find(isThis)?.state ?? null;
  const seated = state.roster.stage.find(isThis);
  /** @type {Somebody & Author} */
  const person = { ...shown.person, role: "listener", hand, ...seated };
  byId("person-face").replaceChildren(face({ ...person, name: nameOf(person) }));
  showName(byId("person-name"), person);
  setText(byId("person-id"), person.guest ? "" : person.id);
  setText(byId("person-role"), roleOf(person, state.you));
  byId("person-quote").hidden = shown.quote === "";
  setText(byId("person-quote"), shown.quote);
  volume.fill(person, state.you);
  fillActions([
    ...follow(page, person, state.you),
    ...report(page, person, state.you),
    ...actionsFor(page, person),
  ]);
}

/**
 * @param {Somebody} person
 * @param {Frames.You} you
 */
function roleOf({ id, role }, you) {
  const words = say(role === "listener" ? "person.listener" : `role.${role}`);
  return id === you.id ? `${words} · ${say("person.you")}` : words;
}

/**
 * `run()` comes after the sheet has closed and the focus is back where it was. The buttons are made
 * anew only when they differ: one may have the focus.
 *
 * @typedef {{label: string, danger?: boolean, run: () => void}} Choice
 * @param {Choice[]} actions
 */
function fillActions(actions) {
  const box = byId("person-actions");
  const labels = actions.map(({ label }) => label).join("\n");
  runs = actions.map(({ run }) => run);
  if (box.dataset.labels === labels) return;
  box.dataset.labels = labels;
  const fresh = () => box.replaceChildren(...actions.map(newButton));
  if (byId("person-dialog").open) settling(box, fresh);
  else fresh();
}

/**
 * @param {Choice} action
 * @param {number} index
 */
function newButton({ label, danger = false }, index) {
  const click = () => {
    const run = runs[index];
    byId("person-dialog").close();
    run?.();
  };
  return el("button", { type: "button", class: `button${danger ? " button-danger" : ""}`, click }, label);
}

/**
 * @param {Page} page
 * @param {Somebody} person
 * @param {Frames.You} you
 * @returns {Choice[]}
 */
function follow(page, person, you) {
  const may = you.id !== null && !you.guest && !person.guest && person.id !== you.id;
  return may ? [{ label: say("person.follow"), run: () => page.ask({ type: "follow", user: person.id }) }] : [];
}

/**
 * @param {Page} page
 * @param {Somebody & Author} person
 * @param {Frames.You} you
 * @returns {Choice[]}
 */
function report(page, person, you) {
  if (person.id === you.id) return [];
  return [{ label: say("person.report"), run: () => void openReport(page, person) }];
}
