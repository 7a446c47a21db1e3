// Who wrote the lines of the chat that stand on the page: the chat fills this, a report asks it.

import { byId, childrenOf } from "../dom.js";

/** @typedef {{id: string, name: string | null, guest: boolean, tone: number}} Author */

/** @type {WeakMap<HTMLElement, Author>} */
const authorOf = new WeakMap(); // a line's node -> who wrote it

/**
 * Remember who wrote the line that this node shows.
 * 
 * @param {HTMLElement} node
 * @param {Author} person
 */
export function setAuthor(node, person) {
  authorOf.set(node, person);
}

/** The authors of all lines that stand on the page, each once, the last one first. */
export function authors() {
  /** @type {Map<string, Author>} */
  const found = new Map();
  for (const node of childrenOf(byId("chat-lines")).reverse()) {
    const person = authorOf.get(node);
    if (person && !found.has(person.id)) found.set(person.id, person);
  }
  return [...found.values()];
}
