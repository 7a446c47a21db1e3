// Who waits for the floor, in the order everybody sees.

import { settling } from "../aim.js";
import { byId, el, face, keyed, part, setText } from "../dom.js";
import { nameOf, showName } from "../names.js";
import { say } from "../words.js";

/** @import { Page, State } from "../page.js" */

/** @param {Page} page */
export function start(page) {
  page.on("change", (state) => show(page, state));
}

/**
 * @param {Page} page
 * @param {State} state
 */
function show(page, { roster, you }) {
  byId("queue").hidden = roster.queue.length === 0;
  setText(byId("queue-count"), String(roster.hands));
  settling(byId("hands"), () => showHands(page, roster.queue, you));
}

/**
 * @param {Page} page
 * @param {Frames.Hand[]} queue
 * @param {Frames.You} you
 */
function showHands(page, queue, you) {
  keyed(
    byId("hands"),
    queue,
    (hand) => `${hand.id} ${hand.state} ${hand.name} ${you.may_moderate}`,
    (hand) => newHand(page, hand, you),
    (node, hand) => {
      const mine = hand.id === you.id;
      node.classList.toggle("mine", mine);
      const shown = mine ? { name: say("hand.you"), guest: false } : hand;
      showName(part(node, ".hand-who"), { ...shown, guest: shown.guest && shown.name !== null });
      setText(part(node, ".hand-note"), noteOf(hand, mine, you.queue_place));
    },
  );
}

/**
 * @param {Frames.Hand} hand
 * @param {boolean} mine
 * @param {number | null} place
 */
function noteOf(hand, mine, place) {
  if (hand.state === "accepted") return say("hand.approved");
  if (!mine || place === null) return say("hand.wants");
  return place === 1 ? say("hand.next") : say("hand.place", { place });
}

/**
 * @param {Page} page
 * @param {Frames.Hand} hand
 * @param {Frames.You} you
 */
function newHand(page, hand, you) {
  const label = el("span", { class: "hand-name" }, el("span", { class: "hand-who" }, el("bdi")), el("span", { class: "hand-note" }));
  const node = el("li", { class: "hand" }, face(hand), label);
  if (you.may_moderate && hand.state === "pending" && hand.id !== you.id) {
    node.append(el("span", { class: "hand-actions" }, answer(page, "deny", hand), answer(page, "approve", hand)));
  }
  return node;
}

/**
 * @param {Page} page
 * @param {"deny" | "approve"} type
 * @param {Frames.Hand} hand
 */
function answer(page, type, hand) {
  const label = say(`hand.${type}_name`, { name: nameOf(hand) });
  const look = `button button-small${type === "approve" ? " button-strong" : ""}`;
  const click = () => page.ask({ type, user: hand.id });
  return el("button", { type: "button", class: look, "aria-label": label, click }, say(`hand.${type}`));
}
