// The panels beside the stage: one is seen at a time. Without a script all of them are.
//
// A panel is a section in #panels with a tab `tab-ID`. A view that has something for the person
// calls `offerPanel`; what is offered last does not take the place of what is being read.

import { byId } from "../dom.js";

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

export function start() {
  const list = byId("tabs");
  list.addEventListener("click", ({ target }) => {
    const tab = target.closest("[role=tab]");
    if (!tab) return;
    openPanel(tab.getAttribute("aria-controls"));
    // on a phone, most of it may stand below the window
    byId("panels").scrollIntoView({ block: "nearest" });
  });
  list.addEventListener("keydown", (event) => {
    const tabs = offered();
    const at = tabs.indexOf(document.activeElement);
    const turn = document.dir === "rtl" ? -1 : 1;
    const next =
      event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1 : at + turn * STEPS[event.key];
    if (at < 0 || Number.isNaN(next)) return;
    event.preventDefault();
    const tab = tabs[(next + tabs.length) % tabs.length];
    openPanel(tab.getAttribute("aria-controls"));
    tab.focus();
  });
  show();
}

/** Show or take away a panel's tab. */
export function offerPanel(id, is = true) {
  const tab = byId(`tab-${id}`);
  if (tab.hidden === !is) return;
  tab.hidden = !is;
  show();
}

function openPanel(id) {
  for (const tab of byId("tabs").children) {
    tab.setAttribute("aria-selected", String(tab.getAttribute("aria-controls") === id));
  }
  show();
  byId(`tab-${id}`).dispatchEvent(new Event("opened"));
}

/** Whether the person sees this panel right now. */
export const isOpen = (id) => byId(`tab-${id}`).getAttribute("aria-selected") === "true";

const offered = () => [...byId("tabs").children].filter((tab) => !tab.hidden);

function show() {
  const tabs = offered();
  const chosen = tabs.find((tab) => tab.getAttribute("aria-selected") === "true") ?? tabs[0];
  byId("tabs").hidden = tabs.length < 2;
  byId("panels").hidden = tabs.length === 0;
  byId("panels").dataset.tabbed = tabs.length < 2 ? "no" : "yes";
  for (const tab of byId("tabs").children) {
    const is = tab === chosen;
    tab.setAttribute("aria-selected", String(is));
    tab.tabIndex = is ? 0 : -1;
    byId(tab.getAttribute("aria-controls")).hidden = !is;
  }
}
