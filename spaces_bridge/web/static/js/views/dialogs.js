// The two questions the page asks.

import { byId, setText } from "../dom.js";
import { say } from "../words.js";

/** Ask for a name; gives it, or null. */
export function askName() {
  return new Promise((resolve) => {
    const [dialog, form, input] = ["name-dialog", "name-form", "name"].map(byId);
    setText(byId("name-error"), "");
    let name = null;
    form.onsubmit = (event) => {
      event.preventDefault();
      if (!/[\p{L}\p{N}\p{S}]/u.test(input.value)) {
        setText(byId("name-error"), say("name.empty"));
        input.focus();
        return;
      }
      name = input.value.trim();
      dialog.close();
    };
    byId("name-cancel").onclick = () => dialog.close();
    dialog.onclose = () => resolve(name);
    dialog.showModal();
    input.focus();
  });
}

/** Ask whether something big is meant; gives true or false. */
export function askSure({ title, text, yes }) {
  return new Promise((resolve) => {
    const [dialog, form] = ["sure-dialog", "sure-form"].map(byId);
    setText(byId("sure-title"), title);
    setText(byId("sure-text"), text);
    setText(byId("sure-yes"), yes);
    let sure = false;
    form.onsubmit = (event) => {
      event.preventDefault();
      sure = true;
      dialog.close();
    };
    byId("sure-cancel").onclick = () => dialog.close();
    dialog.onclose = () => resolve(sure);
    dialog.showModal();
    byId("sure-cancel").focus();
  });
}
