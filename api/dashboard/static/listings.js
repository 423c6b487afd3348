/** What was just listed, who saw it first, what we did about it and why not; and the way of one listing in full. */

import { Refused, get } from "./api.js";
import { exchangeNow } from "./clock.js";
import { byId, el, replace, setText, syncList } from "./dom.js";
import { explain } from "./dialogs.js";
import { milliseconds, moment, money, price, signedMilliseconds, words } from "./format.js";
import { data } from "./store.js";
import { why } from "./why.js";

const SHOWN = 12;

/** Purchases by listing; the live one before the one on paper. */
function purchases() {
  /** @type {Map<string, any>} */
  const found = new Map();
  for (const trade of data.trades?.items ?? []) {
    if (trade.side !== "BUY" || !trade.listing_key) continue;
    if (!found.has(trade.listing_key) || trade.mode === "live") found.set(trade.listing_key, trade);
  }
  return found;
}

/** Show the latest listings. */
export function showListings() {
  const bought = purchases();
  const rows = (data.listings?.items ?? []).slice(0, SHOWN);
  byId("no-listings").hidden = rows.length > 0;
  byId("listings-table").hidden = rows.length === 0;
  syncList(byId("listings"), rows.map((/** @type {any} */ row) => ({ row, trade: bought.get(row.listing_key) })), ({ row }) => String(row.id), create);
}

/** @param {{row: any, trade: any}} first */
function create(first) {
  const open = el("button", { class: "plain", on: { click: () => follow(first.row.symbol) } }, first.row.symbol);
  const cells = [el("td"), el("td"), el("td", { class: "whole" }), el("td", { class: "number" })];
  const line = el("tr", {}, el("th", { scope: "row" }, open), cells);
  line.refresh = (/** @type {{row: any, trade: any}} */ { row, trade }) => {
    replace(cells[0], el("sn-age", { datetime: row.observed_at ?? row.created_at, title: moment(row.observed_at, { date: true, millis: true }) }));
    setText(cells[1], words(row.source));
    const outcome = outcomeOf(row, trade);
    replace(cells[2], el("span", { class: `outcome ${outcome.kind}`, title: outcome.text }, outcome.text));
    setText(cells[3], trade ? milliseconds(detectionToOrder(trade)) : "");
  };
  return line;
}

/** @param {any} row @param {any} trade */
function outcomeOf(row, trade) {
  if (!row.tradable) return { kind: "quiet", text: `not traded: ${row.not_tradable_reason}` };
  if (!trade) return { kind: "quiet", text: row.late ? "late: may be long open" : "no decision yet" };
  const mode = trade.mode === "live" ? "" : " on paper";
  if (trade.status === "filled") return { kind: "good", text: `bought${mode} for ${money(trade.quote_qty)} USDT` };
  if (trade.status === "pending") return { kind: "quiet", text: trade.words ? why(trade) : "under way" };
  const kind = trade.status === "failed" ? "wrong" : "quiet";
  return { kind, text: `not bought: ${why(trade)}` };
}

/** From the frame that showed it, or the opening that was waited for, to the exchange's answer. @param {any} trade */
function detectionToOrder(trade) {
  const { observed_at: seen, due_at: due, answered_at: to } = trade.stages ?? {};
  const from = Math.max(Date.parse(seen), due ? Date.parse(due) : 0);
  return seen && to ? Math.max(0, Date.parse(to) - from) : null;
}

/** Seconds for which a coin that has opened still stands among those about to. */
const JUST_OPENED = 60;

/** Seconds until *item* opens by the exchange's clock; null while nobody knows. @param {any} item */
const secondsLeft = (item) => (item.opens_at === null ? null : (Date.parse(item.opens_at) - exchangeNow()) / 1000);

/** Show what is about to open. */
export function showUpcoming() {
  const items = (data.upcoming?.items ?? []).filter((/** @type {any} */ item) => (secondsLeft(item) ?? 0) > -JUST_OPENED || item.waited_for.length);
  byId("no-upcoming").hidden = items.length > 0;
  syncList(byId("upcoming"), items.slice(0, 8), (item) => item.listing_key, createUpcoming);
}

/** @param {any} first */
function createUpcoming(first) {
  const line = el("li");
  line.refresh = (/** @type {any} */ item) => {
    const idle = (secondsLeft(item) ?? 0) < 0 ? "open now" : "not waited for";
    const waits = item.waited_for.length ? `to be bought (${item.waited_for.join(", ")})` : idle;
    replace(
      line,
      el("b", {}, item.symbol),
      el("sn-countdown", { datetime: item.opens_at ?? "", title: item.opens_at ? moment(item.opens_at, { date: true }) : "" }),
      el("small", {}, item.opens_at ? `${moment(item.opens_at, { date: true })} · ${waits}` : waits),
      item.moved_from && el("small", { class: "moved" }, `moved from ${moment(item.moved_from, { date: true })}`),
    );
  };
  line.refresh(first);
  return line;
}

/** Open the story of *symbol* in a side panel, and keep it up to date while it is open. @param {string} symbol */
export async function follow(symbol) {
  const panel = byId("story");
  panel.dataset.symbol = symbol;
  opening = true;
  await showStory();
}

/** Whether a story is to be opened once it is read: what happens meanwhile may not be in it. */
let opening = false;

export const isFollowed = () => opening || byId("story").open;

/** How often a story was asked for: the answer to the last counts. */
let asked = 0;

/** Read the story again that is followed, and show it, unless a later one is asked for. */
export async function showStory() {
  const panel = byId("story");
  const symbol = panel.dataset.symbol;
  if (!symbol) return;
  const body = byId("story-body");
  const mine = ++asked;
  try {
    const story = await get(`/listings/${encodeURIComponent(symbol)}`);
    if (mine !== asked) return;
    replace(body, story.occurrences.flatMap(occurrence));
  } catch (error) {
    if (mine !== asked) return;
    const pending = error instanceof Refused && error.status === 404;
    replace(body, el("p", { class: "empty" }, pending ? "Not stored yet. This fills in as it goes its way." : explain(error)));
  }
  setText(byId("story-title"), symbol);
  if (opening && !panel.open) panel.showModal();
  opening = false;
}

/** @param {any} it */
function occurrence(it) {
  const listing = it.listing;
  return [
    el("h3", {}, `Listed ${moment(listing.listed_at, { date: true })}`),
    !listing.tradable && el("p", { class: "quiet" }, `Not traded: ${listing.not_tradable_reason}`),
    it.decisions.map((/** @type {any} */ each) => decision(each)),
    el("h4", {}, "Seen by"),
    el("ol", { class: "steps" }, it.seen.map((/** @type {any} */ each) => el("li", {}, el("span", {}, words(each.source)), el("span", { class: "number" }, each.lag_ms === 0 ? "first" : signedMilliseconds(each.lag_ms))))),
    el("h4", {}, "Its way"),
    el("ol", { class: "steps" }, it.stages.map((/** @type {any} */ each) => el("li", {}, el("span", {}, `${words(each.name)}${each.mode ? ` (${each.mode})` : ""}`), el("span", { class: "number", title: moment(each.at, { millis: true }) }, signedMilliseconds(each.after_ms))))),
    it.prices.length > 0 && el("h4", {}, "Prices"),
    el("ol", { class: "steps" }, it.prices.map((/** @type {any} */ each) => el("li", {}, el("span", {}, `${words(each.name)}${each.mode ? ` (${each.mode})` : ""}`), el("span", { class: "number" }, `${price(each.price)}${each.change_pct === null ? "" : `  ${Number(each.change_pct) >= 0 ? "+" : "−"}${Math.abs(Number(each.change_pct)).toFixed(1)} %`}`)))),
  ].flat();
}

/** @param {any} it */
function decision(it) {
  const limits = Object.entries(it.limits).map(([name, value]) => `${name} ${value}`);
  return el("p", { class: "decision" }, el("span", { class: `tag ${it.mode}` }, it.mode), ` ${it.words}`, limits.length > 0 && el("small", {}, limits.join(" · ")));
}
