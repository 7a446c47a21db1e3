// Addresses from outside: only those of the web ever become links, and text stays text.

import { el } from "./dom.js";

const ADDRESS = /https?:\/\/[^\s<>"“”«»]+/giu;
const AFTER = /[.,:;!?'’)\]}*_~]+$/;

/**
 * The address as a URL when it leads to the web, else null.
 * @param {string} text
 */
export function webAddress(text) {
  const url = URL.parse ? URL.parse(text) : parsed(text);
  return url !== null && ["http:", "https:"].includes(url.protocol) && url.hostname ? url : null;
}

/**
 * A link that tells the other side nothing.
 * @param {URL} url
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children
 */
export const outside = (url, attributes, ...children) =>
  el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer", ...attributes }, ...children);

/**
 * The text as nodes, its web addresses as links that show what they are.
 * @param {string} text
 */
export function linked(text) {
  const nodes = [];
  let done = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const shown = trimmed(found);
    const url = webAddress(shown);
    if (url === null) continue;
    nodes.push(text.slice(done, index), outside(url, { dir: "ltr" }, shown));
    done = index + shown.length;
  }
  nodes.push(text.slice(done));
  return nodes.filter((node) => node !== "");
}

/**
 * Without the marks of the sentence around it; a closing bracket stays when one is open.
 * @param {string} address
 */
function trimmed(address) {
  const bare = address.replace(AFTER, "");
  const next = address[bare.length];
  return next === ")" && bare.includes("(") && !bare.includes(")") ? `${bare})` : bare;
}

/** @param {string} text */
function parsed(text) {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
