// Nobody who works by keyboard is thrown back to the top of the page: when what has the focus
// vanishes (an answered hand, a button that is not for one any more), its neighbourhood gets it.

/** Places where the first thing left is a good next one; elsewhere a heading is safer to land on. */
const ROWS = "li, dialog[open], .bar-row";
const TARGETS = "button, a[href], input, select, textarea, summary, [tabindex='0']";
const WATCHED = ["hidden", "disabled", "open", "data-state"];

/**
 * What has the focus, and all around it: `[node, parent, …]`; null: the person left it.
 *
 * @type {HTMLElement[] | null}
 */
let path = null;
let byKeys = false; // it shows: the person works by keyboard

/**
 * The same for what had it before a sheet opened.
 *
 * @type {HTMLElement[] | null}
 */
let outside = null;

export function keepFocus() {
  addEventListener("focusin", ({ target }) => {
    if (!(target instanceof HTMLElement)) return;
    path = pathOf(target);
    byKeys = target.matches(":focus-visible");
    if (!target.closest("dialog")) outside = path;
  });
  addEventListener("focusout", ({ target }) => {
    // browsers say this also just before they take a node away
    queueMicrotask(() => {
      const left = target instanceof HTMLElement && path?.[0] === target && usable(target);
      if (left && document.activeElement !== target) path = null;
    });
  });
  // not at once: a sheet that closes gives the focus back, and is to be let finish
  const watch = new MutationObserver(() => setTimeout(look));
  watch.observe(document.body, { subtree: true, childList: true, attributeFilter: WATCHED });
}

function look() {
  const [node] = path ?? [];
  if (path !== null && node && !usable(node)) rescue(path, node);
}

/** @param {HTMLElement} node */
function pathOf(node) {
  const all = [];
  for (let at = /** @type {HTMLElement | null} */ (node); at !== null && at !== document.body; at = at.parentElement) all.push(at);
  return all;
}

/** @param {HTMLElement} node */
const usable = (node) => node.isConnected && isSeen(node) && !node.matches(":disabled");

/**
 * Safari has `checkVisibility` since 17.4.
 * @param {HTMLElement} node
 */
const isSeen = (node) => node.checkVisibility?.() ?? node.getClientRects().length > 0;

/**
 * @param {HTMLElement[]} lost
 * @param {HTMLElement} node
 */
function rescue(lost, node) {
  // the browser may have found a place by itself, as when a sheet closes
  const active = document.activeElement;
  if (active instanceof HTMLElement && active !== document.body && usable(active)) return;
  const outermost = lost.at(-1);
  const from = node.closest("dialog") && outermost && !usable(outermost) ? outside : lost;
  const place = from?.map(placeIn).find(Boolean) ?? placeIn(document.querySelector("main:not([hidden])"));
  path = null;
  // nobody who taps is scrolled away
  place?.focus({ preventScroll: !byKeys });
}

/**
 * Where to land within a place that is still there.
 * @param {HTMLElement | null} around
 * @returns {HTMLElement | null | undefined}
 */
function placeIn(around) {
  if (!around || !usable(around)) return null;
  if (around.matches(ROWS)) return allIn(around, TARGETS).find(usable);
  if (!around.matches("section, main")) return null;
  const heading = allIn(around, "h1, h2, h3").find(usable);
  heading?.setAttribute("tabindex", "-1");
  return heading;
}

/**
 * @param {HTMLElement} around
 * @param {string} selector
 */
const allIn = (around, selector) =>
  /** @type {HTMLElement[]} */ ([...around.querySelectorAll(selector)]);
