/** Open positions: the result now, the exits, whether anybody watches, and the way out. */

import { post } from "./api.js";
import { ask, field, say } from "./dialogs.js";
import { byId, el, replace, setAttribute, setText, syncList } from "./dom.js";
import { askForExits, exitsOf } from "./exits.js";
import { gain, money, percent, price, sentence } from "./format.js";
import { expectSales, failedSale, salesAreHalted } from "./sales.js";
import { data } from "./store.js";
import { why } from "./why.js";

/** Of a step: amounts are rounded to what the exchange takes. */
const REST = 0.02;
const LABELS = ["", "paid", "stop", "target", "bought", "exits"];

/** Whether anything of *row* can be sold; what is dust, or cannot be sold, can only be given up. @param {any} row */
export const isSellable = (row) => row.state === "open" || row.state === "closing";

/** @param {string} name */
const component = (name) => data.health?.components.find((/** @type {any} */ each) => each.component_name === name);

/** What the position would bring, told by the executor's supervisor. @param {any} row */
export function worth(row) {
  if (row.worth_usdt === null || row.worth_usdt === undefined) return null;
  const gained = Number(row.worth_usdt) - Number(row.cost_usdt);
  return { value: Number(row.worth_usdt), gained, pct: (gained / Number(row.cost_usdt)) * 100 };
}

/** Why nobody watches *row*; empty where somebody does. @param {any} row */
function unwatched(row) {
  const exits = component("exits");
  const heard = exits && exits.status !== "error" && exits.status !== "stopped";
  if (data.health?.gap && !heard) return `${data.health.gap}: it is not known whether it is watched`;
  if (!exits) return "nobody watches it: the executor was never heard of";
  if (!heard) return `not watched: exits are ${exits.status}`;
  // A word of its own: AUSDT is no part of BAUSDT.
  return exits.detail.split(/[^\p{L}\p{M}\p{N}_]+/u).includes(row.symbol) ? exits.detail : "";
}

/** Show the table, and how much is at stake. */
export function showPositions() {
  const rows = data.positions?.items ?? [];
  byId("no-positions").hidden = rows.length > 0;
  byId("positions-table").hidden = rows.length === 0;
  setText(byId("positions-count"), rows.length ? String(rows.length) : "");
  syncList(byId("positions"), rows, (row) => String(row.id), create);
}

/** @param {any} first */
function create(first) {
  let row = first;
  const cells = LABELS.map((label) => el("td", label ? { data: { label } } : {}));
  const name = el("th", { scope: "row" });
  const closing = el("button", { class: "small danger", on: { click: () => askToClose(row) } }, "Close");
  const changing = el("button", { class: "small", on: { click: () => askForExits(row) } }, "Exits…");
  const giving = el("button", { class: "small danger", on: { click: () => askToWriteOff(row) } }, "Write off…");
  const line = el("tr", {}, name, cells, el("td", { class: "actions" }, changing, closing, giving));
  line.refresh = (/** @type {any} */ now) => {
    row = now;
    draw(now, name, cells);
    const isSelling = Boolean(now.close_requested_at) && !failedSale(now);
    setText(closing, isSelling ? "Selling…" : "Close");
    closing.disabled = isSelling;
    closing.hidden = !isSellable(now);
    giving.hidden = isSellable(now);
    setAttribute(giving, "aria-label", `Write off ${now.symbol}`);
    setAttribute(closing, "aria-label", `Close ${now.symbol}`);
    setAttribute(changing, "aria-label", `Change the exits of ${now.symbol}`);
  };
  return line;
}

/** @param {any} row @param {any} name @param {any[]} cells */
function draw(row, name, cells) {
  replace(name, row.symbol, el("span", { class: `tag ${row.mode}` }, row.mode));
  const now = worth(row);
  replace(cells[0], now ? el("b", {}, percent(now.pct)) : "–", el("small", {}, now ? `${gain(now.gained)} USDT` : "not valued yet"));
  cells[0].className = now ? (now.gained < 0 ? "number loss" : "number win") : "number";
  replace(cells[1], money(row.cost_usdt), el("small", {}, `at ${price(row.average_price)}`));
  cells[1].className = "number";
  const exits = exitsOf(row);
  replace(cells[2], stopWords(row, exits), own(row, ["stop_loss_pct", "trailing_stop_pct"]));
  replace(cells[3], targetWords(row, exits), own(row, ["take_profit_pct", "take_profit_ladder"]));
  cells[2].className = cells[3].className = "number";
  replace(cells[4], el("sn-age", { datetime: row.opened_at }));
  const trouble = row.note || unwatched(row);
  const watch = row.state === "closing" ? "selling" : row.state === "open" ? "watched" : row.state;
  const unsold = failedSale(row);
  if (unsold) return replace(cells[5], el("span", { class: "wrong" }, "⚠ not sold"), el("small", { class: "outcome" }, why(unsold)));
  replace(cells[5], el("span", { class: trouble ? "wrong" : "good", title: trouble }, trouble ? `⚠ ${row.state === "open" ? "needs a look" : row.state}` : watch));
}

/** @param {string | null | undefined} pct @param {string} sign @param {string} reference @param {number} direction */
function exitWords(pct, sign, reference, direction) {
  if (!data.config) return ["…"];
  if (!pct) return ["none"];
  const at = Number(reference) * (1 + (direction * Number(pct)) / 100);
  return [el("span", {}, `${sign}${Number(pct)} %`), el("small", {}, price(at))];
}

/** The next step of the ladder, or else the target at which all is sold. @param {any} row @param {Record<string, any>} exits */
function targetWords(row, exits) {
  const step = nextStep(row, exits.take_profit_ladder ?? []);
  if (!step) return exitWords(exits.take_profit_pct, "+", row.average_price, 1);
  const at = Number(row.average_price) * (1 + Number(step.at_pct) / 100);
  const all = exits.take_profit_pct ? el("small", {}, `all at +${Number(exits.take_profit_pct)} %`) : null;
  return [el("span", {}, `+${Number(step.at_pct)} %: ${Number(step.sell_pct)} %`), el("small", {}, price(at)), all];
}

/** The first step that is still to be taken; a rest too small to be sold is none. @param {any} row @param {any[]} ladder */
function nextStep(row, ladder) {
  const bought = Number(row.bought_qty ?? 0);
  let left = bought;
  return ladder.find((step) => {
    const share = (bought * Number(step.sell_pct)) / 100;
    left -= share;
    return Number(row.base_qty) - left > share * REST;
  });
}

/** The stop that is reached first on the way down. @param {any} row @param {Record<string, any>} exits */
function stopWords(row, exits) {
  const bought = Number(row.average_price);
  const peak = Number(row.peak_price);
  const stop = exits.stop_loss_pct ? Number(row.stop_reference ?? bought) * (1 - Number(exits.stop_loss_pct) / 100) : 0;
  const trails = exits.trailing_stop_pct && peak >= bought * (1 + Number(exits.trailing_activation_pct ?? 0) / 100);
  if (trails && peak * (1 - Number(exits.trailing_stop_pct) / 100) > stop) return exitWords(exits.trailing_stop_pct, "trailing −", row.peak_price, -1);
  return exitWords(exits.stop_loss_pct, "−", row.stop_reference ?? row.average_price, -1);
}

/** Whether *row* has one of *names* of its own. @param {any} row @param {string[]} names */
const own = (row, names) => (names.some((name) => name in (row.exits ?? {})) ? el("small", {}, "its own") : null);

/** @param {any} row */
function askToClose(row) {
  const now = worth(row);
  const brings = now ? ` It would bring about ${money(now.value)} USDT (${percent(now.pct)}).` : "";
  ask({
    title: `Sell ${row.symbol} now?`,
    text: `All that is held of it (${row.mode}) is sold at what the book gives.${brings}${salesAreHalted() ? " Sales are halted: it is sold once trading resumes." : ""}`,
    action: "Sell",
    danger: true,
    act: async () => {
      expectSales([row]);
      const answer = await post(`/positions/${row.id}/close`);
      return sentence(answer.message);
    },
  });
}

/** @param {any} row */
function askToWriteOff(row) {
  ask({
    title: `Give up ${row.symbol}?`,
    text: `${row.note || `It is ${row.state}`}: nothing can be sold of it. What it cost, ${money(row.cost_usdt)} USDT (${row.mode}), is booked as lost and no longer counts as at stake.`,
    action: "Write off",
    danger: true,
    fields: [field("Why", { name: "reason", required: true, maxlength: 200 })],
    act: async (form) => {
      await post(`/positions/${row.id}/write-off`, { reason: String(form.get("reason")) });
      return `The executor books ${row.symbol} as lost.`;
    },
  });
}

/** Tell a desktop notification of a position that was opened or closed, where the operator asked for it. @param {any} trade */
export function notify(trade) {
  const wanted = localStorage.getItem("notify") === "on" && "Notification" in window && Notification.permission === "granted";
  if (!wanted || trade?.status !== "filled") return;
  new Notification(`${trade.side === "BUY" ? "Bought" : "Sold"} ${trade.symbol}`, { body: `${money(trade.quote_qty)} USDT, ${trade.mode}`, tag: String(trade.id) });
}

/** Switch desktop notifications on or off. */
export async function toggleNotifications() {
  if (localStorage.getItem("notify") === "on") localStorage.removeItem("notify");
  else if ("Notification" in window && (await Notification.requestPermission()) === "granted") localStorage.setItem("notify", "on");
  else say("The browser does not allow notifications for this page.", true);
}
