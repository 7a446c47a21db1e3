// Writing into the chat. What the server refuses stands in the field again.

import { byId, setText } from "../dom.js";
import { say } from "../words.js";
import { askName } from "./dialogs.js";

/** @import { Page, State } from "../page.js" */

/** An error that comes so long after a line was sent is about something else. */
const REFUSED_WITHIN_MS = 8000;

/** @type {{text: string, nonce: string, at: number} | null} */
let sent = null; // the line that nobody has seen yet

/** @param {Page} page */
export function startWriting(page) {
  const [form, field] = [byId("chat-form"), byId("chat-text")];
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void write(page, field);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || isChoosing(event)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  field.addEventListener("input", () => fit(field));
  page.on("change", (state) => show(state));
  page.on("chat", (line) => "text" in line && look(field, [line]));
  page.on("hello", (frame) => {
    look(field, frame.chat_lines);
    restore(field); // it went into a connection that broke
  });
  page.on("error", () => restore(field));
}

/**
 * This Enter chooses a word of an input method. Safari says so by its number alone.
 * 
 * @param {KeyboardEvent} event
 */
const isChoosing = ({ isComposing, keyCode }) => isComposing || keyCode === 229;

/**
 * Why this person may not write now: the end of a sentence's key, or null.
 * 
 * @param {State} state
 */
function whyNot({ space, you, guest_chat }) {
  const mayBeNamed = guest_chat && space.guests === "speak";
  if (you.id === null && !mayBeNamed) return "nameless";
  if (you.guest && you.id !== null && !mayBeNamed) return "guest";
  if (you.may_chat === true) return null;
  if (you.role === "listener" && space.locked) return "locked";
  if (you.role === "listener" && !space.chat) return "off";
  return you.may_chat === false && !you.guest ? "not_joined" : null;
}

/** @param {State} state */
function show(state) {
  const why = whyNot(state);
  const ended = state.space.state === "ended";
  byId("chat-form").hidden = ended;
  byId("chat-text").disabled = byId("chat-send").disabled = why !== null;
  setText(byId("chat-why"), ended || why === null ? "" : say(`chat.${why}`));
}

/**
 * @param {Page} page
 * @param {HTMLTextAreaElement} field
 */
async function write(page, field) {
  const text = field.value.trim();
  if (text === "" || field.disabled) return;
  if (page.now.you.id !== null) return send(page, field, text);
  const question = { title: say("chat.name_title"), text: say("chat.name_text"), yes: say("chat.send") };
  const name = await askName(question);
  if (name !== null) page.nameMe(name, () => send(page, field, text));
}

/**
 * @param {Page} page
 * @param {HTMLTextAreaElement} field
 * @param {string} text
 */
function send(page, field, text) {
  // the same line again is told by its nonce: it is said once
  const nonce = sent?.text === text ? sent.nonce : newNonce();
  if (!page.ask({ type: "chat", text, nonce })) {
    setText(byId("chat-why"), say("chat.not_connected"));
    return;
  }
  setText(byId("chat-why"), "");
  sent = { text, nonce, at: performance.now() };
  put(field, "");
}

const newNonce = () => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;

/**
 * One's own line is there: if another error brought it back into the field, it goes.
 * 
 * @param {HTMLTextAreaElement} field
 * @param {Frames.ChatLine[]} lines
 */
function look(field, lines) {
  const mine = sent;
  if (mine === null || !lines.some(({ nonce }) => nonce === mine.nonce)) return;
  if (field.value === mine.text) put(field, "");
  sent = null;
}

/** @param {HTMLTextAreaElement} field */
function restore(field) {
  if (sent === null || performance.now() - sent.at > REFUSED_WITHIN_MS) return;
  if (field.value === "") put(field, sent.text);
}

/**
 * @param {HTMLTextAreaElement} field
 * @param {string} text
 */
function put(field, text) {
  field.value = text;
  fit(field);
}

/**
 * As many lines as the text has, where the style sheet alone cannot do it.
 * 
 * @param {HTMLTextAreaElement} field
 */
function fit(field) {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.setProperty("block-size", "auto");
  field.style.setProperty("block-size", `${field.scrollHeight + 2}px`);
}
