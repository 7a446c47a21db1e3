// The few things every view needs of the document. Text from outside only ever becomes text nodes.

import { language } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * The element of the page's templates that has this id.
 *
 * @template {keyof PageElements} Id
 * @param {Id} id
 */
export const byId = (id) => /** @type {PageElements[Id]} */ (document.getElementById(id));

/**
 * The part of a node that is always there, where the templates or `el` have made it.
 *
 * @param {ParentNode} node
 * @param {string} selector
 */
export const part = (node, selector) => /** @type {HTMLElement} */ (node.querySelector(selector));

/** @param {ParentNode} node */
export const childrenOf = (node) => /** @type {HTMLElement[]} */ ([...node.children]);

/**
 * @typedef {string | number | boolean | null | undefined} Value
 * @typedef {object} Listeners
 * @property {(event: MouseEvent) => void} [click]
 * @property {(event: KeyboardEvent) => void} [keydown]
 * @property {(event: Event) => void} [change]
 * @property {(event: Event) => void} [error]
 */

/**
 * An element; `attributes` with a function value are listeners, null ones are left out.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Listeners & {[key: string]: Value | ((event: never) => void)}} attributes
 * @param {...(Node | string | null)} children
 */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(key, /** @type {EventListener} */ (value));
    else if (value !== null && value !== undefined) node.setAttribute(key, String(value));
  }
  for (const child of children) if (child !== null) node.append(child);
  return node;
}

/** @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/**
 * Change text only where it differs: a live region speaks at every change.
 * @param {Element} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Change icon, words and look of a button that stands in the page. Its words say what it does next,
 * so it has no pressed state as well: a screen reader would say the one against the other.
 * @param {HTMLElement} button
 * @param {{symbol: string, label: string, strong?: boolean}} look
 */
export function setButton(button, { symbol, label, strong = false }) {
  part(button, "use").setAttribute("href", `#i-${symbol}`);
  setText(part(button, ".label"), label);
  button.classList.toggle("button-strong", strong);
}

/**
 * Make the children of `parent` show `items`, keeping the nodes (and the focus) of those that
 * stay. `update(node, item)` fills what `create(item)` made.
 * 
 * @template Item
 * @param {HTMLElement} parent
 * @param {readonly Item[]} items
 * @param {(item: Item) => string} key
 * @param {(item: Item) => HTMLElement} create
 * @param {(node: HTMLElement, item: Item) => void} update
 */
export function keyed(parent, items, key, create, update) {
  const old = new Map(childrenOf(parent).map((node) => [node.dataset.key, node]));
  const kept = items.map((item) => {
    const id = key(item);
    const node = old.get(id) ?? create(item);
    node.dataset.key = id;
    update(node, item);
    return node;
  });
  const stays = new Set(/** @type {Element[]} */ (kept));
  for (const node of [...parent.children]) if (!stays.has(node)) node.remove();
  kept.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
}

const letters = new Intl.Segmenter(language, { granularity: "grapheme" });

/**
 * The letter that stands for somebody without a picture.
 * @param {string} name
 */
export function initial(name) {
  const [first] = letters.segment(name.replace(/^@+/, ""));
  return first === undefined ? "?" : first.segment.toLocaleUpperCase();
}

/** @typedef {{name?: string | null, tone?: number, picture?: string | null}} Pictured */

/**
 * A person's picture over their letter, which stays where there is none.
 * @param {Pictured} person
 */
export function face(person) {
  const node = el("span", { "aria-hidden": "true" }, el("span", { class: "letter" }));
  fillFace(node, person);
  return node;
}

/**
 * @param {HTMLElement} node
 * @param {Pictured} person
 */
export function fillFace(node, person) {
  node.className = `face tone-${Number(person.tone) || 0}`;
  setText(part(node, ".letter"), initial(person.name ?? "G"));
  const old = node.querySelector("img");
  // where there is no picture, a transparent one comes: the letter stays
  const src = person.picture ? `${person.picture}?or=blank` : null;
  if ((old?.getAttribute("src") ?? null) === src) return;
  old?.remove();
  if (src === null) return;
  const image = el("img", { class: "portrait", src, alt: "", error: () => (image.hidden = true) });
  node.append(image);
}

/**
 * Times in the reader's own zone and words.
 * @param {number} ms
 */
export function localTime(ms) {
  /** @type {Intl.DateTimeFormatOptions} */
  const options = { weekday: "long", day: "numeric", month: "long", hour: "numeric", minute: "2-digit" };
  return new Date(ms).toLocaleString(language, options);
}

/** @param {ParentNode} root */
export function localiseTimes(root = document) {
  for (const node of root.querySelectorAll("time")) {
    const at = Date.parse(node.dateTime);
    if (!Number.isNaN(at)) node.textContent = localTime(at);
  }
}
