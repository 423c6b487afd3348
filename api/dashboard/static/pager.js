/** Lists by pages: filters, "Older" by cursor, and all that passes as a file. */

import { Refused, get } from "./api.js";
import { explain, unfit } from "./dialogs.js";
import { byId, setText, syncList } from "./dom.js";
import { isUtc } from "./format.js";

const ROWS = 50;
const MOMENTS = new Set(["since", "until"]);

/**
 * @typedef {{name: string, rows: string, path: string, row: (item: any) => Element}} Shape `name` is what the ids of its
 *   parts begin with: -filters, -csv, -more, -error and -none; `rows` is the id of its body.
 * @typedef {{newest: () => Promise<boolean>, update: () => Promise<boolean>}} List show the newest alone, or what is new
 *   above what is shown; each tells whether there is nothing to try again.
 */

/** Wire a list. @param {Shape} shape @returns {List} */
export function paged({ name, rows, path, row }) {
  const form = byId(`${name}-filters`);
  /** @type {any[]} */
  let shown = [];
  /** @type {string | null} */
  let cursor = null;
  let turn = 0;
  /** How many pages of older rows are being read: what is new waits for them. */
  let paging = 0;

  /** Read a page, and show what *merge* makes of it. @param {(items: any[]) => any[]} merge @param {string | null} [from] */
  async function read(merge, from = null) {
    // Of two that are under way the later counts: filters may have changed between them.
    const mine = ++turn;
    try {
      const wanted = filters(form);
      if (form) byId(`${name}-csv`).href = `${path}?${new URLSearchParams([...wanted, ["format", "csv"]])}`;
      const query = new URLSearchParams([...wanted, ["limit", String(ROWS)], ...(from ? [["cursor", from]] : [])]);
      const page = await get(`${path}?${query}`);
      if (mine !== turn) return false;
      shown = merge(page.items);
      if (from || shown.length === page.items.length) cursor = page.next;
      syncList(byId(rows), shown, (item) => `${isUtc()} ${JSON.stringify(item)}`, row);
      byId(`${name}-more`).hidden = !cursor;
      byId(`${name}-none`).hidden = shown.length > 0;
      setText(byId(`${name}-error`), "");
      return true;
    } catch (error) {
      if (mine === turn) setText(byId(`${name}-error`), explain(error));
      // What a filter says that makes no sense makes none the next time, either.
      return mine === turn && error instanceof Refused && error.status === 422;
    }
  }

  async function older() {
    paging += 1;
    try {
      await read((items) => [...shown, ...items], cursor);
    } finally {
      paging -= 1;
    }
  }

  const newest = () => read((items) => items);
  const update = async () => paging === 0 && (await read((items) => withOlder(items, shown)));
  /** What is shown is of other filters until the new ones are read: nothing goes on from there. */
  const refilter = () => {
    byId(`${name}-more`).hidden = true;
    newest();
  };
  form?.addEventListener("change", refilter);
  form?.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    refilter();
  });
  byId(`${name}-more`).addEventListener("click", older);
  return { newest, update };
}

/** @param {any} item */
const keyOf = (item) => item.id ?? item.number;

/** What is *newest*, and what of *shown* is older. With none in common there may be others between. @param {any[]} newest @param {any[]} shown */
function withOlder(newest, shown) {
  const fresh = new Set(newest.map(keyOf));
  const older = shown.filter((item) => !fresh.has(keyOf(item)));
  return older.length < shown.length ? [...newest, ...older] : newest;
}

/** What *form* says, as the API takes it. @param {HTMLFormElement | null} form */
function filters(form) {
  const query = new URLSearchParams();
  for (const [name, value] of form ? new FormData(form) : []) {
    const text = String(value).trim();
    if (text) query.set(name, name === "symbol" ? text.toUpperCase() : MOMENTS.has(name) ? moment(name, text) : text);
  }
  return query;
}

/** What was typed without a zone is meant in the one that times are shown in. @param {string} name @param {string} typed */
function moment(name, typed) {
  const at = new Date(isUtc() ? `${typed}Z` : typed);
  if (Number.isNaN(at.getTime())) throw unfit({ [name]: "must be a day and a time" });
  return at.toISOString();
}
