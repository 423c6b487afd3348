/** Lists by pages: filters, "Older" by cursor, and all that passes as a file. */

import { get } from "./api.js";
import { explain } from "./dialogs.js";
import { byId, replace, setText } from "./dom.js";
import { isUtc } from "./format.js";

const ROWS = 50;
const MOMENTS = new Set(["since", "until"]);

/**
 * @typedef {{name: string, rows: string, path: string, row: (item: any) => Element}} List `name` is what the ids of its
 *   parts begin with: -filters, -csv, -more, -error and -none; `rows` is the id of its body.
 */

/** Wire *list*, and return what shows its newest rows. @param {List} list @returns {() => Promise<void>} */
export function paged({ name, rows, path, row }) {
  const form = byId(`${name}-filters`);
  /** @type {string | null} */
  let cursor = null;
  let turn = 0;

  /** @param {boolean} anew */
  async function read(anew) {
    // Of two that are under way the later counts: filters may have changed between them.
    const mine = ++turn;
    const wanted = filters(form);
    if (form) byId(`${name}-csv`).href = `${path}?${new URLSearchParams([...wanted, ["format", "csv"]])}`;
    const query = new URLSearchParams([...wanted, ["limit", String(ROWS)], ...(anew || !cursor ? [] : [["cursor", cursor]])]);
    try {
      const page = await get(`${path}?${query}`);
      if (mine !== turn) return;
      if (anew) replace(byId(rows));
      byId(rows).append(...page.items.map(row));
      cursor = page.next;
      byId(`${name}-more`).hidden = !cursor;
      byId(`${name}-none`).hidden = byId(rows).children.length > 0;
      setText(byId(`${name}-error`), "");
    } catch (error) {
      if (mine === turn) setText(byId(`${name}-error`), explain(error));
    }
  }

  const newest = () => read(true);
  form?.addEventListener("change", newest);
  form?.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    newest();
  });
  byId(`${name}-more`).addEventListener("click", () => read(false));
  return newest;
}

/** What *form* says, as the API takes it. @param {HTMLFormElement | null} form */
function filters(form) {
  const query = new URLSearchParams();
  for (const [name, value] of form ? new FormData(form) : []) {
    const text = String(value).trim();
    if (text) query.set(name, name === "symbol" ? text.toUpperCase() : MOMENTS.has(name) ? moment(text) : text);
  }
  return query;
}

/** What was typed without a zone is meant in the one that times are shown in. @param {string} typed */
const moment = (typed) => new Date(isUtc() ? `${typed}Z` : typed).toISOString();
