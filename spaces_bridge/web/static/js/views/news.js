// What changes without a word elsewhere: announced to those who hear the page. What moderators must
// notice also sounds, and comes to the desktop, as each of them has chosen.

import { announce } from "../announce.js";
import { chime } from "../chime.js";
import { notify } from "../desktop.js";
import { nameOf } from "../names.js";
import { say } from "../words.js";
import { isOn } from "./settings.js";

/** @import { Page, State } from "../page.js" */

/** Hands that go up within so long are one piece of news. */
const GATHERED_MS = 1200;

/** @typedef {Pick<State, "space" | "you" | "roster">} Seen */

/** @type {Seen | null} */
let before = null; // the state as it was looked at last
/** @type {Set<string>} */
let raised = new Set(); // whose hands are news
let timer = 0;

/** @param {Page} page */
export function start(page) {
  page.on("change", (now) => {
    // who reloads the page, or comes to moderate, reads what is there
    if (before !== null) look(page, before, now);
    before = { space: now.space, you: now.you, roster: now.roster };
  });
}

/**
 * @param {Page} page
 * @param {Seen} was
 * @param {Seen} now
 */
function look(page, was, now) {
  for (const sentence of everybodys(was, now)) announce(sentence);
  if (!now.you.may_moderate || !was.you.may_moderate || now.space.state !== "live") return;
  for (const sentence of moderators(was.roster, now)) tell(now.space, sentence);
  gather(page, was.roster, now);
}

/**
 * @param {Seen} was
 * @param {Seen} now
 */
function* everybodys({ space: old, you: me }, { space, you }) {
  if (old.state === "scheduled" && space.state === "live") yield say("news.live");
  if (old.title !== space.title) yield say("news.title", { title: space.title });
  if (old.captions !== space.captions) yield say(space.captions ? "news.captions_on" : "news.captions_off");
  if (me.id !== you.id) return;
  if (me.role !== "cohost" && you.role === "cohost") yield say("news.cohost");
  if (me.role === "cohost" && !you.may_moderate) yield say("news.no_cohost");
  if (me.hand === "pending" && Number(me.queue_place) > 1 && you.queue_place === 1) yield say("news.next");
}

/**
 * @param {Frames.Roster} old
 * @param {Seen} now
 */
function* moderators(old, { roster, space, you }) {
  const here = new Set(roster.stage.map(({ id }) => id));
  for (const person of old.stage) {
    if (!here.has(person.id) && person.id !== you.id) yield say("news.gone", { name: nameOf(person) });
  }
  if (isFull(roster, space) && !isFull(old, space)) yield say("news.full");
}

/**
 * @param {Frames.Roster} roster
 * @param {Frames.Space} space
 */
const isFull = ({ stage }, { max_speakers: most }) =>
  stage.filter(({ role }) => role === "speaker").length >= most;

/**
 * @param {Page} page
 * @param {Frames.Roster} old
 * @param {Seen} now
 */
function gather(page, old, { roster, you }) {
  const known = new Set(old.queue.map(({ id }) => id));
  for (const { id, state } of roster.queue) {
    if (!known.has(id) && state === "pending" && id !== you.id) raised.add(id);
  }
  // the queue that everybody is sent ends somewhere; the count does not
  if (raised.size > 0 || roster.hands > Math.max(old.hands, roster.queue.length)) {
    timer ||= setTimeout(() => tellHands(page), GATHERED_MS);
  }
}

/**
 * Of the hands that went up, those that are up still.
 * 
 * @param {Page} page
 */
function tellHands({ now: { roster, space, you } }) {
  timer = 0;
  const still = roster.queue.filter(({ id, state }) => raised.has(id) && state === "pending");
  const few = roster.hands === 1 || still.length === 1;
  raised = new Set();
  if (roster.hands === 0 || !you.may_moderate) return;
  const one = few ? still[0] : undefined;
  tell(space, one ? say("news.hand", { name: nameOf(one) }) : say("news.hands", { count: roster.hands }));
}

/**
 * @param {Frames.Space} space
 * @param {string} sentence
 */
function tell(space, sentence) {
  if (isOn("news-said")) announce(sentence);
  if (isOn("news-sound")) chime();
  if (isOn("news-desktop")) notify(space.title, sentence);
}
