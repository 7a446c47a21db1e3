// Reactions float by and are gone.

import { byId, el } from "../dom.js";

const AT_ONCE = 8;
const LIFE_MS = 3200;
const ALIVE_MAX = 40;

export function start(page) {
  page.on("reactions", ({ counts }) => showReactions(counts));
  for (const button of document.querySelectorAll(".react")) {
    button.addEventListener("click", () => page.ask("react", { emoji: button.dataset.emoji }));
  }
}

function showReactions(counts) {
  const layer = byId("floating");
  for (const [emoji, count] of Object.entries(counts)) {
    for (let n = 0; n < Math.min(count, AT_ONCE); n += 1) {
      setTimeout(() => float(layer, emoji), n * 90 + Math.random() * 60);
    }
  }
}

function float(layer, emoji) {
  if (layer.children.length >= ALIVE_MAX) return;
  const node = el("span", { class: "float" }, emoji);
  node.style.setProperty("--lane", String(Math.random()));
  layer.append(node);
  setTimeout(() => node.remove(), LIFE_MS);
}
