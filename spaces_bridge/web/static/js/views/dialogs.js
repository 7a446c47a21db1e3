// Sheets that ask something. The browser keeps the focus in them, closes them by Escape, and gives
// the focus back to where it was.

import { byId, setText } from "../dom.js";
import { say, sayOf } from "../words.js";

/** @import { Page } from "../page.js" */

/**
 * Open a sheet; it also closes by what is marked `data-close`, and by a tap beside it.
 * 
 * @param {HTMLDialogElement} dialog
 * @param {HTMLElement | null} [focused]
 */
export function openSheet(dialog, focused) {
  if (!dialog.dataset.closes) {
    dialog.dataset.closes = "yes";
    dialog.addEventListener("click", (event) => {
      const beside = event.target === dialog && isBeside(dialog, event);
      const closes = event.target instanceof Element && event.target.closest("[data-close]");
      if (beside || closes) dialog.close();
    });
  }
  dialog.showModal();
  focused?.focus();
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {MouseEvent} event
 */
function isBeside(dialog, { clientX: x, clientY: y }) {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return x < left || x > right || y < top || y > bottom;
}

/**
 * While a sheet is open, what the server refuses (and says) is to be read in it.
 * 
 * @param {Page} page
 * @param {HTMLDialogElement} dialog
 * @param {{errors: HTMLElement, notices?: HTMLElement}} places
 */
export function sayIn(page, dialog, { errors, notices }) {
  page.on("error", (frame) => dialog.open && setText(errors, sayOf("error", frame)));
  page.on("notice", (frame) => dialog.open && notices && setText(notices, sayOf("notice", frame)));
}

/**
 * Once it is closed; by the word of an earlier time, which comes late, it is not.
 * 
 * @param {HTMLDialogElement} dialog
 * @param {() => void} then
 */
export function onceClosed(dialog, then) {
  dialog.onclose = () => dialog.open || then();
}

/**
 * Ask for a name, by default for the floor; gives it, or null.
 * 
 * @param {{title?: string, text?: string, yes?: string}} question
 * @returns {Promise<string | null>}
 */
export function askName({ title, text, yes } = {}) {
  return new Promise((resolve) => {
    const [dialog, form, input] = [byId("name-dialog"), byId("name-form"), byId("name")];
    setText(byId("name-title"), title ?? say("name.title"));
    setText(byId("name-text"), text ?? say("name.text"));
    setText(byId("name-yes"), yes ?? say("hand.ask"));
    setText(byId("name-error"), "");
    /** @type {string | null} */
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
    onceClosed(dialog, () => resolve(name));
    openSheet(dialog, input);
  });
}

/**
 * Ask whether something big is meant; gives true or false.
 * 
 * @param {{title: string, text: string, yes: string}} question
 * @returns {Promise<boolean>}
 */
export function askSure({ title, text, yes }) {
  return new Promise((resolve) => {
    const [dialog, form] = [byId("sure-dialog"), byId("sure-form")];
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
    onceClosed(dialog, () => resolve(sure));
    openSheet(dialog, byId("sure-cancel"));
  });
}
