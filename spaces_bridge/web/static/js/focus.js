// Nobody who works by keyboard is thrown back to the top of the page: when what has the focus
// vanishes (an answered hand, a button that is not for one any more), its neighbourhood gets it.

/** Places where the first thing left is a good next one; elsewhere a heading is safer to land on. */
const ROWS = "li, dialog[open], .bar-row";
const TARGETS = "button, a[href], input, select, textarea, summary, [tabindex='0']";
const WATCHED = ["hidden", "disabled", "open", "data-state"];

/** What has the focus, and all around it: `[node, parent, …]`; null: the person left it. */
let path = null;
let byKeys = false; // it shows: the person works by keyboard

/** The same for what had it before a sheet opened. */
let outside = null;

export function keepFocus() {
  addEventListener("focusin", ({ target }) => {
    path = pathOf(target);
    byKeys = target.matches(":focus-visible");
    if (!target.closest("dialog")) outside = path;
  });
  addEventListener("focusout", ({ target }) => {
    // browsers say this also just before they take a node away
    queueMicrotask(() => {
      if (path?.[0] === target && usable(target) && document.activeElement !== target) path = null;
    });
  });
  // not at once: a sheet that closes gives the focus back, and is to be let finish
  const watch = new MutationObserver(() => setTimeout(() => path !== null && !usable(path[0]) && rescue()));
  watch.observe(document.body, { subtree: true, childList: true, attributeFilter: WATCHED });
}

function pathOf(node) {
  const all = [];
  for (let at = node; at !== null && at !== document.body; at = at.parentElement) all.push(at);
  return all;
}

const usable = (node) => node.isConnected && isSeen(node) && !node.matches(":disabled");

/** Safari has `checkVisibility` since 17.4. */
const isSeen = (node) => node.checkVisibility?.() ?? node.getClientRects().length > 0;

function rescue() {
  // the browser may have found a place by itself, as when a sheet closes
  const active = document.activeElement;
  if (active !== null && active !== document.body && usable(active)) return;
  const from = path[0].closest("dialog") && !usable(path.at(-1)) ? outside : path;
  const place = from?.map(placeIn).find(Boolean) ?? placeIn(document.querySelector("main:not([hidden])"));
  path = null;
  // nobody who taps is scrolled away
  place?.focus({ preventScroll: !byKeys });
}

/** Where to land within a place that is still there. */
function placeIn(around) {
  if (!around || !usable(around)) return null;
  if (around.matches(ROWS)) return [...around.querySelectorAll(TARGETS)].find(usable);
  if (!around.matches("section, main")) return null;
  const heading = [...around.querySelectorAll("h1, h2, h3")].find(usable);
  heading?.setAttribute("tabindex", "-1");
  return heading;
}
