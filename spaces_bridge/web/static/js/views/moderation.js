// What a moderator may do about one person. The server has the last word; this only spares buttons
// that it would refuse.

import { byId, setText } from "../dom.js";
import { nameOf } from "../names.js";
import { say } from "../words.js";
import { askSure, onceClosed, openSheet } from "./dialogs.js";

/** @import { Page } from "../page.js" */

/**
 * @typedef {object} Somebody On stage, in the queue, in the chat, or anywhere here.
 * @property {string} id
 * @property {string | null} name
 * @property {boolean} guest
 * @property {Frames.You["role"]} role
 * @property {Frames.You["hand"]} [hand]
 * @property {boolean} [muted]
 * @property {boolean} [offered]
 * @property {boolean} [below_you]
 * @property {number | null} [volume]
 */

/** @typedef {{key: string, label: string, danger: boolean, run: () => void}} Action */

/** @type {Record<"remove" | "block", [title: string, text: string, yes: string]>} */
const QUESTIONS = {
  remove: ["remove.title", "remove.text", "remove.yes"],
  block: ["block.title", "block.text", "block.yes"],
};

/**
 * Whom each role may mute and show out, where the server has not said so of the person.
 *
 * @type {Record<string, string[]>}
 */
const BELOW = { host: ["listener", "speaker", "cohost"], cohost: ["listener", "speaker"] };

/**
 * What may be done about the person, as buttons.
 *
 * @param {Page} page
 * @param {Somebody} person
 * @returns {Action[]}
 */
export function actionsFor(page, person) {
  const { you } = page.now;
  if (!you.may_moderate || person.id === you.id) return [];
  return [
    ...floorActions(page, person, you),
    ...roleActions(page, person, you),
    ...doorActions(page, person, you),
  ];
}

/**
 * @param {Page} page
 * @param {Somebody} person
 * @param {Frames.You} you
 */
function floorActions(page, person, you) {
  /** @param {"approve" | "deny" | "bring" | "mute" | "unmute" | "demote"} type */
  const act = (type) => action(`person.${type}`, () => page.ask({ type, user: person.id }));
  const actions = [];
  if (person.hand === "pending") actions.push(act("approve"), act("deny"));
  else if (person.role === "listener" && !person.offered && !person.hand) actions.push(act("bring"));
  if (person.role !== "listener" && isBelow(person, you)) actions.push(act(person.muted ? "unmute" : "mute"));
  if (person.role === "speaker") actions.push(act("demote"));
  return actions;
}

/**
 * @param {Page} page
 * @param {Somebody} person
 * @param {Frames.You} you
 */
function roleActions(page, person, you) {
  if (you.role !== "host" || person.guest) return [];
  const type = person.role === "cohost" ? "uncohost" : "cohost";
  return [
    action(`person.${type}`, () => page.ask({ type, user: person.id })),
    action("person.host", () => void handOver(page, person)),
  ];
}

/**
 * @param {Page} page
 * @param {Somebody} person
 * @param {Frames.You} you
 */
function doorActions(page, person, you) {
  if (!isBelow(person, you)) return [];
  /** @param {"remove" | "block"} type */
  const act = (type) => ({
    ...action(`person.${type}`, () => void showOut(page, type, person)),
    danger: true,
  });
  return person.guest ? [act("remove")] : [act("remove"), act("block")];
}

/**
 * @param {Somebody} person
 * @param {Frames.You} you
 */
export const isBelow = (person, { role }) => person.below_you ?? BELOW[role]?.includes(person.role) ?? false;

/**
 * @param {string} key
 * @param {() => void} run
 * @returns {Action}
 */
const action = (key, run) => ({ key, label: say(key), danger: false, run });

/**
 * @param {Page} page
 * @param {Somebody} person
 */
async function handOver(page, person) {
  const question = {
    title: say("host.title", { name: nameOf(person) }),
    text: say("host.text"),
    yes: say("host.yes"),
  };
  if (await askSure(question)) page.ask({ type: "host", user: person.id });
}

/**
 * @param {Page} page
 * @param {"remove" | "block"} type
 * @param {Somebody} person
 */
async function showOut(page, type, person) {
  const [title, text, yes] = QUESTIONS[type];
  const question = { title: say(title, { name: nameOf(person) }), text: say(text), yes: say(yes) };
  const reason = await askReason(question);
  if (reason !== null) page.ask({ type, user: person.id, reason });
}

/**
 * Ask whether it is meant, and why; gives the reason (maybe empty), or null.
 * 
 * @param {{title: string, text: string, yes: string}} question
 * @returns {Promise<string | null>}
 */
function askReason({ title, text, yes }) {
  return new Promise((resolve) => {
    const [dialog, form, input] = [byId("remove-dialog"), byId("remove-form"), byId("remove-reason")];
    setText(byId("remove-title"), title);
    setText(byId("remove-text"), text);
    setText(byId("remove-yes"), yes);
    input.value = "";
    /** @type {string | null} */
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
