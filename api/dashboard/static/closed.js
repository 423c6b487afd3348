/** Closed positions: what each came to, fees counted in. */

import { get } from "./api.js";
import { explain } from "./dialogs.js";
import { byId, el, replace, setText } from "./dom.js";
import { gain, moment, money, percent } from "./format.js";

/** Show the latest; whether they could be read. */
export async function showClosed() {
  try {
    const page = await get("/positions?state=closed&limit=30");
    replace(byId("closed"), page.items.map(closedRow));
    byId("no-closed").hidden = page.items.length > 0;
    setText(byId("closed-error"), "");
    return true;
  } catch (error) {
    setText(byId("closed-error"), explain(error));
    return false;
  }
}

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
    el("td", { class: "number" }, money(row.paid)),
    el("td", { class: "number" }, money(row.received_usdt)),
    el("td", { class: kind }, gain(row.result_usdt), note),
    el("td", { class: kind }, percent(row.result_pct)),
  );
}
