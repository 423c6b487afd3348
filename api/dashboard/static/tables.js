/** Closed trades and the history of the configuration: pages by cursor, filters, and CSV of the same rows. */

import { get } from "./api.js";
import { explain } from "./dialogs.js";
import { byId, el, replace, setText, syncList } from "./dom.js";
import { milliseconds, moment, money, price, words } from "./format.js";
import { differences } from "./settings.js";
import { why } from "./why.js";

const PAGE = 50;
/** @type {string | null} */
let cursor = null;
/** What is shown, newest first. @type {any[]} */
let shown = [];
/** Which answer is waited for: one to a question of before is not shown any more. */
let turn = 0;

/** @returns {URLSearchParams} */
function filters() {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(byId("trade-filters"))) {
    const text = String(value).trim();
    if (text) query.set(name, name === "symbol" ? text.toUpperCase() : text);
  }
  return query;
}

/** Show the newest trades that pass the filters; whether they could be read. */
export function showTrades() {
  [cursor, shown] = [null, []];
  replace(byId("all-trades"));
  return readTrades((page) => page.items);
}

/** Show what is new among them, and keep what is shown of older ones; whether they could be read. */
export function updateTrades() {
  return readTrades((page) => {
    const known = new Set(shown.map((row) => row.id));
    const fresh = new Set(page.items.map((/** @type {any} */ row) => row.id));
    // With none in common there may be others between: the list begins anew.
    const older = page.items.some((/** @type {any} */ row) => known.has(row.id)) ? shown.filter((row) => !fresh.has(row.id)) : [];
    return [...page.items, ...older];
  });
}

const more = () => readTrades((page) => [...shown, ...page.items], cursor);

/**
 * Read a page, and show what *merge* makes of it and of what is shown.
 * @param {(page: any) => any[]} merge @param {string | null} [from] cursor of the page; none: the newest
 */
async function readTrades(merge, from = null) {
  const mine = ++turn;
  const query = filters();
  byId("trades-csv").href = `/trades?${query}`;
  query.set("limit", String(PAGE));
  if (from) query.set("cursor", from);
  try {
    const page = await get(`/trades?${query}`);
    if (mine !== turn) return true;
    const rows = merge(page);
    if (from || rows.length === page.items.length) cursor = page.next;
    shown = rows;
    syncList(byId("all-trades"), rows, (row) => JSON.stringify(row), tradeRow);
    byId("trades-more").hidden = !cursor;
    byId("no-trades").hidden = rows.length > 0;
    setText(byId("trades-error"), "");
    return true;
  } catch (error) {
    setText(byId("trades-error"), explain(error));
    return false;
  }
}

/** @param {any} row */
function tradeRow(row) {
  const reason = row.status === "pending" && !row.words ? "under way" : why(row);
  const outcome = row.status === "filled" ? words(row.exit_reason) || "bought" : `${row.status}: ${reason}`;
  return el(
    "tr",
    {},
    el("td", {}, moment(row.created_at, { date: true })),
    el("th", { scope: "row" }, row.symbol),
    el("td", {}, row.side === "BUY" ? "buy" : "sell"),
    el("td", {}, el("span", { class: `tag ${row.mode}` }, row.mode)),
    el("td", { class: "number" }, money(row.quote_qty)),
    el("td", { class: "number" }, price(row.average_price)),
    el("td", {}, el("span", { class: `outcome ${row.status === "failed" ? "wrong" : ""}`, title: row.error_reason ?? "" }, outcome)),
    el("td", { class: "number" }, milliseconds(row.ack_latency_ms)),
  );
}

/** Fetch the same rows as CSV, and hand them to the browser as a file. @param {Event} event */
async function saveCsv(event) {
  event.preventDefault();
  const response = await fetch(`/trades?${filters()}`, { headers: { Accept: "text/csv" }, credentials: "same-origin" });
  if (!response.ok) return setText(byId("trades-error"), `CSV: the API answers ${response.status}`);
  const url = URL.createObjectURL(await response.blob());
  el("a", { href: url, download: "trades.csv" }).click();
  URL.revokeObjectURL(url);
}

/** Show who changed what; whether it could be read. */
export async function showHistory() {
  try {
    const page = await get("/config/history?limit=50");
    const rows = page.items.map((/** @type {any} */ row) => el("tr", {}, el("td", {}, moment(row.changed_at ?? row.created_at, { date: true })), el("td", {}, row.changed_by), el("td", {}, differences(row) || "nothing")));
    replace(byId("history"), rows);
    byId("no-history").hidden = rows.length > 0;
    return true;
  } catch (error) {
    byId("no-history").hidden = false;
    setText(byId("no-history"), explain(error));
    return false;
  }
}

/** Wire filters and buttons. */
export function start() {
  byId("trade-filters").addEventListener("change", showTrades);
  byId("trade-filters").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    showTrades();
  });
  byId("trades-more").addEventListener("click", more);
  byId("trades-csv").addEventListener("click", saveCsv);
}
