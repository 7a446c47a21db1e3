// Who waits for the floor, in the order everybody sees.

import { settling } from "../aim.js";
import { byId, el, face, keyed, setText } from "../dom.js";
import { nameOf, showName } from "../names.js";
import { say } from "../words.js";

export function start(page) {
  page.on("change", (state) => show(page, state));
}

function show(page, { roster, you }) {
  byId("queue").hidden = roster.queue.length === 0;
  setText(byId("queue-count"), String(roster.hands));
  settling(byId("hands"), () => showHands(page, roster.queue, you));
}

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
      showName(node.querySelector(".hand-who"), { ...shown, guest: shown.guest && shown.name !== null });
      setText(node.querySelector(".hand-note"), noteOf(hand, mine, you.queue_place));
    },
  );
}

function noteOf(hand, mine, place) {
  if (hand.state === "accepted") return say("hand.approved");
  if (!mine || place === null) return say("hand.wants");
  return place === 1 ? say("hand.next") : say("hand.place", { place });
}

function newHand(page, hand, you) {
  const label = el("span", { class: "hand-name" }, el("span", { class: "hand-who" }, el("bdi")), el("span", { class: "hand-note" }));
  const node = el("li", { class: "hand" }, face(hand), label);
  if (you.may_moderate && hand.state === "pending" && hand.id !== you.id) {
    node.append(el("span", { class: "hand-actions" }, answer(page, "deny", hand), answer(page, "approve", hand)));
  }
  return node;
}

function answer(page, verb, hand) {
  const label = say(`hand.${verb}_name`, { name: nameOf(hand) });
  const look = `button button-small${verb === "approve" ? " button-strong" : ""}`;
  const click = () => page.ask(verb, { user: hand.id });
  return el("button", { type: "button", class: look, "aria-label": label, click }, say(`hand.${verb}`));
}
