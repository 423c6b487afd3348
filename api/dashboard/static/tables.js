/** What was traded: closed positions, trades and orders by pages, and the history of decisions. */

import { el } from "./dom.js";
import { gain, milliseconds, moment, money, percent, price, words } from "./format.js";
import { isInDoubt, settleButton } from "./orders.js";
import { paged } from "./pager.js";
import { differences } from "./settings.js";
import { why } from "./why.js";

/** The lists of each view that is read for itself. @type {Record<string, import("./pager.js").List[]>} */
export const LISTS = { trades: [], history: [] };

/** @param {any} row */
function closedRow(row) {
  const kind = row.result_usdt === null ? "number" : Number(row.result_usdt) < 0 ? "number loss" : "number win";
  const note = row.fees_unknown ? el("small", {}, "less fees of unknown value") : null;
  return el(
    "tr",
    {},
    el("td", {}, moment(row.closed_at, { date: true })),
    el("th", { scope: "row" }, row.symbol),
    el("td", {}, el("span", { class: `tag ${row.mode}` }, row.mode)),
    el("td", {}, row.state === "written_off" ? "given up" : "sold"),
    el("td", { class: "number" }, money(row.paid)),
    el("td", { class: "number" }, money(row.received_usdt)),
    el("td", { class: kind }, gain(row.result_usdt), note),
    el("td", { class: kind }, percent(row.result_pct)),
  );
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

/** @param {any} row */
function orderRow(row) {
  const trouble = row.attention ?? row.error_reason ?? "";
  return el(
    "tr",
    {},
    el("td", {}, moment(row.decided_at, { date: true })),
    el("th", { scope: "row" }, row.symbol),
    el("td", {}, row.side === "BUY" ? "buy" : "sell"),
    el("td", {}, el("span", { class: `tag ${row.mode}` }, row.mode)),
    el("td", { class: "number" }, money(row.cost ?? row.quote_qty)),
    el("td", {}, words(row.state)),
    el("td", { class: row.attention ? "wrong" : "" }, trouble),
    el("td", { class: "actions" }, isInDoubt(row) && settleButton(row)),
  );
}

/** @param {any} row */
function historyRow(row) {
  // The page knows the zone that moments are shown in.
  const what = row.kind === "config" && row.before ? differences(row) : row.words;
  return el(
    "tr",
    { title: row.request_id && `request ${row.request_id}` },
    el("td", {}, moment(row.created_at, { date: true })),
    el("td", {}, row.made_by),
    el("td", {}, words(row.kind)),
    el("td", {}, what),
  );
}

/** Wire the lists. */
export function start() {
  LISTS.trades = [
    paged({ name: "closed", rows: "closed", path: "/positions/closed", row: closedRow }),
    paged({ name: "trades", rows: "all-trades", path: "/trades", row: tradeRow }),
    paged({ name: "orders", rows: "all-orders", path: "/orders", row: orderRow }),
  ];
  LISTS.history = [paged({ name: "history", rows: "history", path: "/history", row: historyRow })];
  addEventListener("settled", () => LISTS.trades.forEach((list) => list.update()));
}
