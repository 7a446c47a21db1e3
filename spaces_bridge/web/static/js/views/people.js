// Everybody in the room, for those who moderate: found, and acted upon.

import { settling } from "../aim.js";
import { byId, childrenOf, el, face, keyed, part, setText } from "../dom.js";
import { nameOf } from "../names.js";
import { say, sayIfKnown } from "../words.js";
import { actionsFor } from "./moderation.js";
import { isOpen } from "./tabs.js";

/** @import { Page } from "../page.js" */

const RENEW_MS = 1500;
const TYPING_MS = 250;

/** @type {Map<string, Frames.Person>} */
let shown = new Map(); // id -> person, as the server said last
/** @type {string | null} */
let unfolded = null; // whose actions are seen
let timer = 0;

/** @param {Page} page */
export function start(page) {
  const query = byId("people-query");
  const look = () => {
    timer = 0;
    if (page.state?.you.may_moderate && isOpen("control")) page.ask({ type: "people", query: query.value.trim() });
  };
  /** @param {number} wait */
  const soon = (wait) => {
    timer ||= setTimeout(look, wait);
  };
  query.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, TYPING_MS);
  });
  byId("tab-control").addEventListener("opened", look);
  page.on("change", () => soon(RENEW_MS));
  page.on("people", (frame) => show(page, frame));
}

/**
 * @param {Page} page
 * @param {Frames.PeopleFrame} frame
 */
function show(page, { people, total, removed, removed_total: gone, query }) {
  if (query !== byId("people-query").value.trim()) return; // the person has typed on
  shown = new Map(people.map((person) => [person.id, person]));
  setText(byId("people-count"), String(total));
  byId("people-empty").hidden = people.length > 0;
  settling(byId("people"), () =>
    keyed(
      byId("people"),
      people,
      (person) => person.id,
      (person) => newPerson(person, () => unfold(page, person.id)),
      (node, person) => fill(page, node, person),
    ),
  );
  byId("removed").hidden = removed.length === 0;
  setText(byId("removed-count"), String(gone));
  settling(byId("removed-people"), () =>
    keyed(
      byId("removed-people"),
      removed,
      (person) => `${person.id} ${person.blocked}`,
      (person) => newRemoved(page, person),
      () => {},
    ),
  );
}

/**
 * @param {Page} page
 * @param {string} id
 */
function unfold(page, id) {
  unfolded = unfolded === id ? null : id;
  for (const node of childrenOf(byId("people"))) {
    const person = shown.get(node.dataset.key ?? "");
    if (person) fill(page, node, person);
  }
}

/**
 * @param {Frames.Person} person
 * @param {() => void} click
 */
function newPerson(person, click) {
  const label = el(
    "span",
    { class: "people-name" },
    el("bdi"),
    el("span", { class: "people-note quiet" }),
  );
  const button = el("button", { type: "button", class: "bare people-row", "aria-expanded": "false", click }, face(person), label);
  return el("li", {}, button, el("div", { class: "buttons people-actions" }));
}

/**
 * @param {Page} page
 * @param {HTMLElement} node
 * @param {Frames.Person} person
 */
function fill(page, node, person) {
  setText(part(node, "bdi"), nameOf(person));
  setText(part(node, ".people-note"), noteOf(person));
  const open = unfolded === person.id;
  const button = part(node, ".people-row");
  button.setAttribute("aria-expanded", String(open));
  const box = part(node, ".people-actions");
  box.hidden = !open;
  const actions = open ? actionsFor(page, person) : [];
  keyed(
    box,
    actions,
    (action) => action.key,
    (action) => {
      const look = `button button-small${action.danger ? " button-danger" : ""}`;
      const name = say("person.about", { action: action.label, name: nameOf(person) });
      return el("button", { type: "button", class: look, "aria-label": name, click: action.run }, action.label);
    },
    () => {},
  );
}

/**
 * "Speaker · muted · @ada:example.org"
 * 
 * @param {Frames.Person} person
 */
function noteOf(person) {
  const marks = [
    person.guest ? say("people.guest") : null,
    sayIfKnown(`role.${person.role}`),
    person.hand ? say("hand.wants") : null,
    person.muted ? say("stage.muted_by_host") : null,
    person.offered ? say("people.offered") : null,
    person.guest ? null : person.id,
  ];
  return marks.filter(Boolean).join(" · ");
}

/**
 * @param {Page} page
 * @param {Frames.RemovedPerson} person
 */
function newRemoved(page, person) {
  const label = el(
    "span",
    { class: "people-name" },
    el("bdi", {}, person.name || person.id),
    el("span", { class: "people-note quiet" }, say(person.blocked ? "people.blocked" : "people.was_removed")),
  );
  const click = () => page.ask({ type: "unblock", user: person.id });
  const name = say("people.readmit_name", { name: person.name || person.id });
  const button = el("button", { type: "button", class: "button button-small", "aria-label": name, click }, say("people.readmit"));
  return el("li", { class: "people-row" }, face(person), label, button);
}
