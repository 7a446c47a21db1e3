// Who is on stage, who waits, and the rings of those who speak.

import { byId, el, face, icon, initial, keyed, setText } from "../dom.js";
import { words } from "../words.js";

const FADE_MS = 700;
const LOUD = 4; // of 100: below, nobody is speaking

const speaking = new Map(); // id -> when last loud

export function showStage({ roster, you }, moderator) {
  keyed(
    byId("stage"),
    roster.stage,
    (person) => person.id,
    () => newPerson(),
    (node, person) => fillPerson(node, person, you, moderator),
  );
  byId("stage-empty").hidden = roster.stage.length > 0;
}

function newPerson() {
  return el(
    "li",
    { class: "person" },
    el("span", { class: "face", "aria-hidden": "true" }),
    el("span", { class: "person-name" }, el("bdi")),
    el("span", { class: "person-role" }),
  );
}

function fillPerson(node, person, you, moderator) {
  const circle = node.querySelector(".face");
  circle.className = `face tone-${Number(person.tone) || 0}`;
  setText(circle, initial(person.name));
  setText(node.querySelector("bdi"), person.name);
  node.classList.toggle("on-air", person.on_air);
  const role = node.querySelector(".person-role");
  const rank = words.role[person.role] ?? "";
  const air = person.muted ? "muted" : String(person.on_air);
  if (role.textContent.trim() !== rank || role.dataset.air !== air) {
    role.dataset.air = air;
    const off = person.on_air ? [] : [icon("mic-off")];
    role.replaceChildren(...off, rank);
    role.title = person.on_air ? "" : person.muted ? words.mutedByHost : words.microphoneOff;
  }
  const may = you.may_moderate && person.role === "speaker" && person.id !== you.id;
  const button = node.querySelector("button");
  if (may && !button) {
    const demote = () => moderator.demote(person.id);
    const label = words.demoteName(person.name);
    const look = { type: "button", class: "button button-small", "aria-label": label, click: demote };
    node.append(el("button", look, words.demote));
  } else if (!may) {
    button?.remove();
  }
}

export function showQueue({ roster, you }, moderator) {
  byId("queue").hidden = roster.queue.length === 0;
  setText(byId("queue-count"), String(roster.hands));
  keyed(
    byId("hands"),
    roster.queue,
    (hand) => `${hand.id} ${hand.state} ${hand.name} ${you.may_moderate}`,
    (hand) => newHand(hand, you, moderator),
    (node, hand) => {
      const mine = hand.id === you.id;
      node.classList.toggle("mine", mine);
      setText(node.querySelector("bdi"), mine ? words.you : (hand.name ?? words.aGuest));
      setText(node.querySelector(".hand-note"), noteOf(hand, mine, you.queue_place));
    },
  );
}

function noteOf(hand, mine, place) {
  if (hand.state === "accepted") return words.approved;
  return mine && place !== null ? words.yourPlace(place) : words.wantsToSpeak;
}

function newHand(hand, you, moderator) {
  const name = hand.name ?? words.aGuest;
  const label = el("span", { class: "hand-name" }, el("bdi"), el("span", { class: "hand-note" }));
  const node = el("li", { class: "hand" }, face(hand), label);
  if (you.may_moderate && hand.state === "pending" && hand.id !== you.id) {
    node.append(
      el(
        "span",
        { class: "hand-actions" },
        el(
          "button",
          {
            type: "button",
            class: "button button-small",
            "aria-label": words.denyName(name),
            click: () => moderator.deny(hand.id),
          },
          words.deny,
        ),
        el(
          "button",
          {
            type: "button",
            class: "button button-small button-strong",
            "aria-label": words.approveName(name),
            click: () => moderator.approve(hand.id),
          },
          words.approve,
        ),
      ),
    );
  }
  return node;
}

/** `levels`: id -> 0 to 100. */
export function showLevels(levels) {
  const now = performance.now();
  for (const node of byId("stage").children) {
    const level = levels[node.dataset.key] ?? 0;
    if (level > LOUD) speaking.set(node.dataset.key, now);
    const recently = now - (speaking.get(node.dataset.key) ?? -FADE_MS) < FADE_MS;
    node.classList.toggle("speaking", recently);
    node.style.setProperty("--level", String(Math.min(1, level / 70)));
  }
}

/** Rings of people whose levels stopped coming. */
export function fadeLevels() {
  const now = performance.now();
  for (const node of byId("stage").children) {
    if (now - (speaking.get(node.dataset.key) ?? 0) > FADE_MS) node.classList.remove("speaking");
  }
}
