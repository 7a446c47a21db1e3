// Telling the moderators of the server that something is wrong.

import { byId, el, setText } from "../dom.js";
import { nameOf } from "../names.js";
import { say } from "../words.js";
import { authors } from "./authors.js";
import { askName, openSheet, sayIn } from "./dialogs.js";

/** @import { Page } from "../page.js" */
/** @import { Author } from "./authors.js" */

/** @typedef {Pick<Author, "id" | "name" | "guest">} Reported */

/** @type {Map<string, Reported>} */
const seen = new Map(); // id -> person: who was on stage, or was chosen before

let waiting = false;

/** @param {Page} page */
export function start(page) {
  const [dialog, form] = [byId("report-dialog"), byId("report-form")];
  page.on("change", ({ roster, space }) => {
    for (const person of roster.stage) seen.set(person.id, person);
    byId("report").hidden = space.state === "ended";
  });
  byId("report").addEventListener("click", () => void openReport(page));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(page);
  });
  sayIn(page, dialog, { errors: byId("report-error") });
  page.on("notice", ({ code }) => {
    if (waiting && code === "reported") dialog.close();
  });
  dialog.addEventListener("close", () => (waiting = false));
}

/**
 * Open the sheet, about nobody yet or about this person. The nameless are asked who they are.
 * 
 * @param {Page} page
 * @param {Reported | null} person
 */
export async function openReport(page, person = null) {
  if (person !== null) seen.set(person.id, person);
  if (page.now.you.id !== null) return open(page, person);
  const question = {
    title: say("report.name_title"),
    text: say("report.name_text"),
    yes: say("report.name_yes"),
  };
  const name = await askName(question);
  if (name !== null) page.nameMe(name, () => open(page, person));
}

/**
 * @param {Page} page
 * @param {Reported | null} person
 */
function open(page, person) {
  fillPeople(page.now.you.id);
  byId("report-form").reset();
  byId("report-who").value = person?.id ?? "";
  setText(byId("report-error"), "");
  openSheet(byId("report-dialog"), byId("report-who"));
}

/**
 * Those on stage now and before, then those who wrote.
 * 
 * @param {string | null} me
 */
function fillPeople(me) {
  const people = new Map(seen);
  for (const author of authors()) people.set(author.id, author);
  if (me !== null) people.delete(me);
  const first = say(people.size > 0 ? "report.choose" : "report.nobody");
  const options = [...people.values()].map((person) => {
    const mark = person.guest ? ` (${say("role.guest")})` : "";
    return el("option", { value: person.id }, `${nameOf(person)}${mark}`);
  });
  byId("report-who").replaceChildren(el("option", { value: "" }, first), ...options);
}

/** @param {Page} page */
function send(page) {
  const user = byId("report-who").value;
  const boxes = byId("report-form").querySelectorAll("[name=reason]:checked");
  const chosen = /** @type {HTMLInputElement[]} */ ([...boxes]);
  const words = byId("report-words").value.trim();
  const reason = [chosen.map((box) => box.value).join(", "), words].filter(Boolean).join(": ");
  if (user === "") return refuse(byId("report-who"), "report.no_person");
  if (reason === "") return refuse(byId("report-words"), "report.no_reason");
  setText(byId("report-error"), "");
  waiting = page.ask({ type: "report", user, reason });
  if (!waiting) setText(byId("report-error"), say("link.reconnecting"));
}

/**
 * @param {HTMLElement} field
 * @param {string} key
 */
function refuse(field, key) {
  setText(byId("report-error"), say(key));
  field.focus();
}
