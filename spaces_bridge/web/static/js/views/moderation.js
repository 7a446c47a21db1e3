// What a moderator may do about one person. The server has the last word; this only spares buttons
// that it would refuse.

import { byId, setText } from "../dom.js";
import { nameOf } from "../names.js";
import { say } from "../words.js";
import { askSure, onceClosed, openSheet } from "./dialogs.js";

const QUESTIONS = {
  remove: ["remove.title", "remove.text", "remove.yes"],
  block: ["block.title", "block.text", "block.yes"],
};

/** Whom each role may mute and show out, where the server has not said so of the person. */
const BELOW = { host: ["listener", "speaker", "cohost"], cohost: ["listener", "speaker"] };

/**
 * `person`: `{id, name, role, guest, hand, muted, offered, below_you}`; gives `{key, label, danger,
 * run}`s.
 */
export function actionsFor(page, person) {
  const { you } = page.state;
  if (!you.may_moderate || person.id === you.id) return [];
  return [
    ...floorActions(page, person, you),
    ...roleActions(page, person, you),
    ...doorActions(page, person, you),
  ];
}

function floorActions(page, person, you) {
  const act = (verb, key = verb) => action(`person.${key}`, () => page.ask(verb, { user: person.id }));
  const actions = [];
  if (person.hand === "pending") actions.push(act("approve"), act("deny"));
  else if (person.role === "listener" && !person.offered && !person.hand) actions.push(act("bring"));
  if (person.role !== "listener" && isBelow(person, you)) actions.push(act(person.muted ? "unmute" : "mute"));
  if (person.role === "speaker") actions.push(act("demote"));
  return actions;
}

function roleActions(page, person, you) {
  if (you.role !== "host" || person.guest) return [];
  const act = (verb, run) => action(`person.${verb}`, run ?? (() => page.ask(verb, { user: person.id })));
  const cohost = act(person.role === "cohost" ? "uncohost" : "cohost");
  return [cohost, act("host", () => handOver(page, person))];
}

function doorActions(page, person, you) {
  if (!isBelow(person, you)) return [];
  const act = (verb) => ({ ...action(`person.${verb}`, () => showOut(page, verb, person)), danger: true });
  return person.guest ? [act("remove")] : [act("remove"), act("block")];
}

const isBelow = (person, { role }) => person.below_you ?? BELOW[role]?.includes(person.role) ?? false;

const action = (key, run) => ({ key, label: say(key), danger: false, run });

async function handOver(page, person) {
  const question = {
    title: say("host.title", { name: nameOf(person) }),
    text: say("host.text"),
    yes: say("host.yes"),
  };
  if (await askSure(question)) page.ask("host", { user: person.id });
}

async function showOut(page, verb, person) {
  const [title, text, yes] = QUESTIONS[verb];
  const question = { title: say(title, { name: nameOf(person) }), text: say(text), yes: say(yes) };
  const reason = await askReason(question);
  if (reason !== null) page.ask(verb, { user: person.id, reason });
}

/** Ask whether it is meant, and why; gives the reason (maybe empty), or null. */
function askReason({ title, text, yes }) {
  return new Promise((resolve) => {
    const [dialog, form, input] = ["remove-dialog", "remove-form", "remove-reason"].map(byId);
    setText(byId("remove-title"), title);
    setText(byId("remove-text"), text);
    setText(byId("remove-yes"), yes);
    input.value = "";
    let reason = null;
    form.onsubmit = (event) => {
      event.preventDefault();
      reason = input.value.trim();
      dialog.close();
    };
    byId("remove-cancel").onclick = () => dialog.close();
    onceClosed(dialog, () => resolve(reason));
    openSheet(dialog, input);
  });
}
