/** Questions before what cannot be taken back, and words about what came of it. */

import { Refused } from "./api.js";
import { byId, el, replace } from "./dom.js";

/**
 * Ask before *act*, and show a refusal in the dialog, which stays open then; in a note where it was left meanwhile.
 * @param {{title: string, text: string, action: string, danger?: boolean, fields?: any[], act: (form: FormData) => Promise<string>}} question
 */
export function ask(question) {
  const dialog = byId("dialog");
  const message = el("p", { role: "alert", class: "wrong" });
  const go = el("button", { class: question.danger ? "danger" : "primary", value: "go" }, question.action);
  const form = el(
    "form",
    { method: "dialog" },
    el("h2", { id: "dialog-title" }, question.title),
    el("p", {}, question.text),
    question.fields ?? [],
    message,
    el(
      "menu",
      { class: "buttons" },
      el("button", { type: "button", class: "quiet", on: { click: () => dialog.close() } }, "Cancel"),
      go,
    ),
  );
  // It may have been left, or replaced by another question, before its answer comes.
  const isOpen = () => dialog.open && dialog.contains(form);
  form.addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    go.disabled = true;
    try {
      say(await question.act(new FormData(form)));
      if (isOpen()) dialog.close();
    } catch (error) {
      if (isOpen()) message.textContent = explain(error);
      else say(`${question.action}: ${explain(error)}`, true);
      go.disabled = false;
    }
  });
  replace(dialog, form);
  dialog.showModal();
}

/** Carry *act* out without a question. @param {() => Promise<string>} act */
export async function carryOut(act) {
  try {
    say(await act());
  } catch (error) {
    say(explain(error), true);
  }
}

/** A refusal of this page's own, before anything is asked of the backend: what is wrong with each field. @param {Record<string, string>} fields */
export const unfit = (fields) =>
  new Refused(422, { code: "invalid", details: { fields: Object.entries(fields).map(([field, message]) => ({ field, message })) } });

/** @param {any} error */
export function explain(error) {
  if (!(error instanceof Refused)) return "The API does not answer. Nothing is known of what came of it.";
  const fields = error.details?.fields ?? [];
  return fields.length
    ? fields.map((/** @type {any} */ each) => `${each.field}: ${each.message}`).join("; ")
    : error.message;
}

/** Show *words* for a while. @param {string} words @param {boolean} [wrong] */
export function say(words, wrong = false) {
  const note = el("div", { class: wrong ? "note wrong" : "note" }, words);
  byId("notes").append(note);
  setTimeout(() => note.remove(), wrong ? 12_000 : 6000);
}

/** A labelled field of a dialog or form. @param {string} label @param {Record<string, any>} attributes @param {string} [hint] */
export function field(label, attributes, hint) {
  const id = `field-${attributes.name}`;
  return el(
    "p",
    { class: "field" },
    el("label", { for: id }, label),
    el("input", { id, autocomplete: "off", ...attributes, ...(hint ? { "aria-describedby": `${id}-hint` } : {}) }),
    hint && el("small", { id: `${id}-hint` }, hint),
  );
}
