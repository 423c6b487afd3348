/** Closed trades and the history of the configuration: pages by cursor, filters, and CSV of the same rows. */

import { get } from "./api.js";
import { explain } from "./dialogs.js";
import { byId, el, replace, setText } from "./dom.js";
import { milliseconds, moment, money, price, words } from "./format.js";
import { differences } from "./settings.js";

/** @type {string | null} */
let cursor = null;

/** @returns {URLSearchParams} */
function filters() {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(byId("trade-filters"))) {
    const text = String(value).trim();
    if (text) query.set(name, name === "symbol" ? text.toUpperCase() : text);
  }
  return query;
}

/** Show the newest trades that pass the filters. */
export async function showTrades() {
  cursor = null;
  replace(byId("all-trades"));
  await more();
}

async function more() {
  const query = filters();
  byId("trades-csv").href = `/trades?${query}`;
  query.set("limit", "50");
  if (cursor) query.set("cursor", cursor);
  try {
    const page = await get(`/trades?${query}`);
    byId("all-trades").append(...page.items.map(tradeRow));
    cursor = page.next;
    byId("trades-more").hidden = !cursor;
    byId("no-trades").hidden = byId("all-trades").children.length > 0;
    setText(byId("trades-error"), "");
  } catch (error) {
    setText(byId("trades-error"), explain(error));
  }
}

/** @param {any} row */
function tradeRow(row) {
  const why = words(row.error_reason?.split(":")[0]) || (row.status === "pending" ? "under way" : "no reason");
  const outcome = row.status === "filled" ? words(row.exit_reason) || "bought" : `${row.status}: ${why}`;
  return el(
    "tr",
    {},
    el("td", {}, moment(row.created_at, { date: true })),
    el("th", { scope: "row" }, row.symbol),
    el("td", {}, row.side === "BUY" ? "buy" : "sell"),
    el("td", {}, el("span", { class: `tag ${row.mode}` }, row.mode)),
    el("td", { class: "number" }, money(row.quote_qty)),
    el("td", { class: "number" }, price(row.average_price)),
    el("td", { class: row.status === "failed" ? "wrong" : "", title: row.error_reason ?? "" }, outcome),
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

/** Show who changed what. */
export async function showHistory() {
  try {
    const page = await get("/config/history?limit=50");
    const rows = page.items.map((/** @type {any} */ row) => el("tr", {}, el("td", {}, moment(row.changed_at ?? row.created_at, { date: true })), el("td", {}, row.changed_by), el("td", {}, differences(row) || "nothing")));
    replace(byId("history"), rows);
    byId("no-history").hidden = rows.length > 0;
  } catch (error) {
    byId("no-history").hidden = false;
    setText(byId("no-history"), explain(error));
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
