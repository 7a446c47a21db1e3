// How somebody wants captions: how big, on which ground, or not at all. This browser remembers.

import { byId, part } from "../dom.js";
import { store, stored } from "../stored.js";

const KEY = "spaces:captions";
const SIZES = [1, 2, 3, 4];

/** @typedef {{size: number, high: boolean, shown: boolean}} Settings */

/** @type {Settings} */
let settings = { size: 2, high: false, shown: true };

export function start() {
  settings = kept() ?? settings;
  const [menu, form] = [byId("captions-settings"), byId("captions-form")];
  menu.hidden = false;
  form.addEventListener("change", () => {
    const { size, high, shown } = controls();
    change({ size: Number(size.value), high: high.checked, shown: shown.checked });
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  byId("captions-show").addEventListener("click", () => {
    change({ ...settings, shown: true });
    part(menu, "summary").focus();
  });
  addEventListener("storage", ({ key }) => {
    if (key === KEY) apply((settings = kept() ?? settings));
  });
  closable(menu);
  apply(settings);
}

/**
 * The form's controls, by their names.
 *
 * @typedef {{size: RadioNodeList, high: HTMLInputElement, shown: HTMLInputElement}} Controls
 */
const controls = () => /** @type {Controls & HTMLFormControlsCollection} */ (byId("captions-form").elements);

/** @param {Settings} wanted */
function change(wanted) {
  settings = wanted;
  apply(settings);
  store("captions", JSON.stringify(settings));
}

function kept() {
  try {
    const { size, high, shown } = JSON.parse(stored("captions") ?? "null");
    return { size: SIZES.includes(size) ? size : 2, high: high === true, shown: shown !== false };
  } catch {
    return null; // nothing there, or nothing legible
  }
}

/** @param {Settings} wanted */
function apply({ size, high, shown }) {
  const { dataset } = document.documentElement;
  dataset.captionSize = String(size);
  dataset.captionContrast = high ? "high" : "normal";
  dataset.captions = shown ? "on" : "off";
  const elements = controls();
  elements.size.value = String(size);
  elements.high.checked = high;
  elements.shown.checked = shown;
  byId("captions-away").hidden = shown;
  // What comes back into sight is not news: the log speaks again from its next line on.
  if (!shown) byId("captions").setAttribute("aria-live", "off");
}

/**
 * A menu comes into sight whole, and goes by Escape or a tap anywhere else.
 * 
 * @param {HTMLDetailsElement} menu
 */
function closable(menu) {
  menu.addEventListener("toggle", () => {
    if (menu.open) byId("captions-form").scrollIntoView({ block: "nearest" });
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.preventDefault();
    menu.open = false;
    part(menu, "summary").focus();
  });
  addEventListener("click", ({ target }) => {
    if (!(target instanceof Node && menu.contains(target))) menu.open = false;
  });
}
