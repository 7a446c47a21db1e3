// Who wrote the lines of the chat that stand on the page: the chat fills this, a report asks it.

import { byId } from "../dom.js";

const authorOf = new WeakMap(); // a line's node -> {id, name, guest, tone} of who wrote it

/** Remember who wrote the line that this node shows. */
export function setAuthor(node, person) {
  authorOf.set(node, person);
}

/** The authors of all lines that stand on the page, each once, the last one first. */
export function authors() {
  const found = new Map();
  for (const node of [...byId("chat-lines").children].reverse()) {
    const person = authorOf.get(node);
    if (!found.has(person.id)) found.set(person.id, person);
  }
  return [...found.values()];
}
