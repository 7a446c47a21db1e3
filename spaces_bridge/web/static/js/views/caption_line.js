// How a line of captions looks, wherever it stands: a name in its colour, and words that may grow.

import { el, setText } from "../dom.js";
import { showName } from "../names.js";

/** @typedef {Frames.Caption | Frames.DraftFrame} Caption */

/** @param {Caption} caption */
export const languageOf = ({ language }) => (/^[a-z]{2,3}$/.test(language) ? language : null);

/**
 * @param {Caption} caption
 * @param {string} className
 */
export function nameOf(caption, className = "caption-name") {
  const node = el("span", { class: `${className} ink-${Number(caption.tone) || 0}` });
  showName(node, caption);
  return node;
}

/**
 * An element for words that grow: those that stay as they are, then a greyed tail.
 * 
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, string>} attributes
 */
export function growing(name, attributes) {
  return el(name, attributes, document.createTextNode(""), el("span", { class: "tail" }));
}

/**
 * Solid words stay the text node they are, which only gets longer: nothing read flows anew.
 * 
 * @param {Element} node
 * @param {string} solid
 * @param {string} tail
 */
export function grow(node, solid, tail) {
  const [words, rest] = /** @type {[Text, HTMLElement]} */ ([...node.childNodes]);
  if (!solid.startsWith(words.data)) words.data = solid;
  else if (solid.length > words.data.length) words.appendData(solid.slice(words.data.length));
  setText(rest, tail);
}
