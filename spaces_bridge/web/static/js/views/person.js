// Somebody on stage or in the chat, and what one may do about them.

import { settling } from "../aim.js";
import { byId, el, face, setText } from "../dom.js";
import { nameOf, showName } from "../names.js";
import { say } from "../words.js";
import { openSheet } from "./dialogs.js";
import { actionsFor } from "./moderation.js";
import { openReport } from "./report.js";

let shown = null; // {person, quote} while the sheet is open
let runs = []; // what its buttons do

export function start(page) {
  byId("person-dialog").addEventListener("close", () => (shown = null));
  page.on("change", () => shown && fill(page));
}

/** `person`: `{id, name, guest, tone}`; `quote`: what they wrote, when it is about that. */
export function openPerson(page, person, { quote = "" } = {}) {
  if (page.state === null) return;
  shown = { person, quote };
  fill(page);
  openSheet(byId("person-dialog"), byId("person-name"));
}

function fill(page) {
  const { state } = page;
  const isThis = ({ id }) => id === shown.person.id;
  const hand = state.roster.queue.find(isThis)?.state ?? null;
  const person = { ...shown.person, role: "listener", hand, ...state.roster.stage.find(isThis) };
  byId("person-face").replaceChildren(face({ ...person, name: nameOf(person) }));
  showName(byId("person-name"), person);
  setText(byId("person-id"), person.guest ? "" : person.id);
  setText(byId("person-role"), roleOf(person, state.you));
  byId("person-quote").hidden = shown.quote === "";
  setText(byId("person-quote"), shown.quote);
  fillActions([...follow(page, person, state), ...report(page, person, state), ...actionsFor(page, person)]);
}

function roleOf({ id, role }, you) {
  const words = say(role === "listener" ? "person.listener" : `role.${role}`);
  return id === you.id ? `${words} · ${say("person.you")}` : words;
}

/**
 * `actions`: `[{label, danger, run}]`; `run()` comes after the sheet has closed and the focus is
 * back where it was. The buttons are made anew only when they differ: one may have the focus.
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

function newButton({ label, danger = false }, index) {
  const click = () => {
    const run = runs[index];
    byId("person-dialog").close();
    run();
  };
  return el("button", { type: "button", class: `button${danger ? " button-danger" : ""}`, click }, label);
}

function follow(page, person, { you }) {
  const may = you.id !== null && !you.guest && !person.guest && person.id !== you.id;
  return may ? [{ label: say("person.follow"), run: () => page.ask("follow", { user: person.id }) }] : [];
}

function report(page, person, { you }) {
  if (person.id === you.id) return [];
  return [{ label: say("person.report"), run: () => openReport(page, person) }];
}
