// The few things every view needs of the document. Text from outside only ever becomes text nodes.

import { language } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** An element; `attributes` with a function value are listeners, null ones are left out. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Change text only where it differs: a live region speaks at every change. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Change icon, words and look of a button that stands in the page. Its words say what it does next,
 * so it has no pressed state as well: a screen reader would say the one against the other.
 */
export function setButton(button, { symbol, label, strong = false }) {
  button.querySelector("use").setAttribute("href", `#i-${symbol}`);
  setText(button.querySelector(".label"), label);
  button.classList.toggle("button-strong", strong);
}

/**
 * Make the children of `parent` show `items`, keeping the nodes (and the focus) of those that
 * stay. `update(node, item)` fills what `create(item)` made.
 */
export function keyed(parent, items, key, create, update) {
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  const kept = items.map((item) => {
    const id = key(item);
    const node = old.get(id) ?? create(item);
    node.dataset.key = id;
    update(node, item);
    return node;
  });
  const stays = new Set(kept);
  for (const node of [...parent.children]) if (!stays.has(node)) node.remove();
  kept.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
}

const letters = new Intl.Segmenter(language, { granularity: "grapheme" });

/** The letter that stands for somebody without a picture. */
export function initial(name) {
  const first = letters.segment(name.replace(/^@+/, ""))[Symbol.iterator]().next();
  return first.done ? "?" : first.value.segment.toLocaleUpperCase();
}

/** A person's picture over their letter, which stays where there is none. */
export function face(person) {
  const node = el("span", { "aria-hidden": "true" }, el("span", { class: "letter" }));
  fillFace(node, person);
  return node;
}

export function fillFace(node, person) {
  node.className = `face tone-${Number(person.tone) || 0}`;
  setText(node.querySelector(".letter"), initial(person.name ?? "G"));
  const old = node.querySelector("img");
  // where there is no picture, a transparent one comes: the letter stays
  const src = person.picture ? `${person.picture}?or=blank` : null;
  if ((old?.getAttribute("src") ?? null) === src) return;
  old?.remove();
  const error = ({ target }) => (target.hidden = true);
  if (src !== null) node.append(el("img", { class: "portrait", src, alt: "", error }));
}

/** Times in the reader's own zone and words. */
export function localTime(ms) {
  const options = { weekday: "long", day: "numeric", month: "long", hour: "numeric", minute: "2-digit" };
  return new Date(ms).toLocaleString(language, options);
}

export function localiseTimes(root = document) {
  for (const node of root.querySelectorAll("time[datetime]")) {
    const at = Date.parse(node.dateTime);
    if (!Number.isNaN(at)) node.textContent = localTime(at);
  }
}
