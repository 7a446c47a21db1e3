// The panels beside the stage: one is seen at a time. Without a script all of them are.
//
// A panel is a section in #panels with a tab `tab-ID`. A view that has something for the person
// calls `offerPanel`; what is offered last does not take the place of what is being read.

import { byId, childrenOf } from "../dom.js";

/** @typedef {"words" | "chat" | "control"} Panel */

/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

export function start() {
  const list = byId("tabs");
  list.addEventListener("click", ({ target }) => {
    const tab = target instanceof Element ? target.closest("[role=tab]") : null;
    if (!tab) return;
    openPanel(panelOf(tab));
    // on a phone, most of it may stand below the window
    byId("panels").scrollIntoView({ block: "nearest" });
  });
  list.addEventListener("keydown", (event) => {
    const tabs = offered();
    const at = tabs.findIndex((tab) => tab === document.activeElement);
    const turn = document.dir === "rtl" ? -1 : 1;
    const next =
      event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1 : at + turn * (STEPS[event.key] ?? NaN);
    if (at < 0 || Number.isNaN(next)) return;
    event.preventDefault();
    const tab = tabs[(next + tabs.length) % tabs.length];
    if (!tab) return;
    openPanel(panelOf(tab));
    tab.focus();
  });
  show();
}

/**
 * @param {Element} tab
 * @returns {Panel}
 */
const panelOf = (tab) => /** @type {Panel} */ (tab.getAttribute("aria-controls"));

/**
 * Show or take away a panel's tab.
 * 
 * @param {Panel} id
 */
export function offerPanel(id, is = true) {
  const tab = byId(`tab-${id}`);
  if (tab.hidden === !is) return;
  tab.hidden = !is;
  show();
}

/** @param {Panel} id */
function openPanel(id) {
  for (const tab of childrenOf(byId("tabs"))) {
    tab.setAttribute("aria-selected", String(panelOf(tab) === id));
  }
  show();
  byId(`tab-${id}`).dispatchEvent(new Event("opened"));
}

/**
 * Whether the person sees this panel right now.
 * 
 * @param {Panel} id
 */
export const isOpen = (id) => byId(`tab-${id}`).getAttribute("aria-selected") === "true";

const offered = () => childrenOf(byId("tabs")).filter((tab) => !tab.hidden);

function show() {
  const tabs = offered();
  const chosen = tabs.find((tab) => tab.getAttribute("aria-selected") === "true") ?? tabs[0];
  byId("tabs").hidden = tabs.length < 2;
  byId("panels").hidden = tabs.length === 0;
  byId("panels").dataset.tabbed = tabs.length < 2 ? "no" : "yes";
  for (const tab of childrenOf(byId("tabs"))) {
    const is = tab === chosen;
    tab.setAttribute("aria-selected", String(is));
    tab.tabIndex = is ? 0 : -1;
    byId(panelOf(tab)).hidden = !is;
  }
}
