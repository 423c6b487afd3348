/** Sales that were asked for on this page, and what came of each. */

import { say } from "./dialogs.js";
import { money } from "./format.js";
import { data } from "./store.js";
import { why } from "./why.js";

/** Clocks of two machines differ. */
const SLACK_MS = 2000;
/** What was told of each last, by listing key and mode, as positions and trades have them. @type {Map<string, "asked" | "failed">} */
const asked = new Map();

/** @param {any} row */
const nameOf = (row) => `${row.listing_key} ${row.mode}`;
/** @param {any} trade */
const isUnsold = (trade) => trade.status === "failed" || trade.status === "rejected";

/** Tell what comes of selling *positions*. @param {any[]} positions */
export function expectSales(positions) {
  for (const position of positions) asked.set(nameOf(position), "asked");
}

/** Say what came of a sale that was asked for here: the first failure, and that it is sold. @param {any} trade */
export function tellSale(trade) {
  if (trade?.side !== "SELL" || trade.status === "pending") return;
  const name = nameOf(trade);
  const told = asked.get(name);
  if (!told) return;
  if (!isUnsold(trade)) {
    asked.delete(name);
    say(`Sold ${trade.symbol} (${trade.mode}) for ${money(trade.quote_qty)} USDT.`);
  } else if (told === "asked") {
    asked.set(name, "failed");
    say(`${trade.symbol} (${trade.mode}) was not sold: ${why(trade)}. It is tried again.`, true);
  }
}

/** The last sale of *position* since somebody asked for one, where it sold nothing. @param {any} position */
export function failedSale(position) {
  if (!position.close_requested_at) return null;
  const last = (data.trades?.items ?? []).find((/** @type {any} */ trade) => trade.side === "SELL" && nameOf(trade) === nameOf(position));
  const since = Date.parse(position.close_requested_at) - SLACK_MS;
  return last && isUnsold(last) && Date.parse(last.created_at) >= since ? last : null;
}

/** Whether nothing is sold now, whoever halted it. */
export const salesAreHalted = () => (data.status?.config.halts ?? []).some((/** @type {any} */ halt) => halt.exits);
