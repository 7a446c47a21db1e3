// Names as people see them. The server marks guests in English; here they wear a badge instead.

import { el, setText } from "./dom.js";
import { say } from "./words.js";

/** @typedef {{name?: string | null, guest?: boolean}} Named */

const MARK = /^Guest \(guest\)$|\s*\(guest\)$/;

/**
 * The name of a person, a hand or a writer, without the mark; never empty.
 * @param {Named} person
 */
export function nameOf({ name, guest }) {
  const bare = guest ? (name ?? "").replace(MARK, "") : name;
  return bare || say("hand.a_guest");
}

/**
 * Fill a node with the name, and the badge of guests.
 * @param {HTMLElement} node
 * @param {Named} person
 */
export function showName(node, person) {
  const bdi = node.querySelector("bdi") ?? node.appendChild(el("bdi"));
  setText(bdi, nameOf(person));
  const badge = node.querySelector(".guest-mark");
  if (!person.guest) badge?.remove();
  else if (!badge) node.append(" ", el("span", { class: "guest-mark" }, say("role.guest")));
}
