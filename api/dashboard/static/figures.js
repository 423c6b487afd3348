/** How exposed we are, what came of it, and how fast we are; dry-run and live apart. */

import { drawBars, meter } from "./chart.js";
import { backendNow } from "./clock.js";
import { byId, el, replace, setText, syncList } from "./dom.js";
import { gain, milliseconds, money, words } from "./format.js";
import { worth } from "./positions.js";
import { data } from "./store.js";

const STAGES = /** @type {const} */ (["publish", "dedup", "decide", "order", "total", "sale"]);

/** The mode that is looked at: the live one where it may cost money, unless the operator chose. */
export function shownMode() {
  const chosen = sessionStorage.getItem("mode");
  return chosen ?? (data.status?.trading === "dry-run" ? "dry-run" : "live");
}

/** @param {string} mode */
export function showMode(mode) {
  sessionStorage.setItem("mode", mode);
  showExposure();
  showResults();
  showOpen();
  showSpeed();
}

/** Show what is at stake against its limit, in each mode. */
export function showExposure() {
  const rows = data.status?.exposure ?? [];
  syncList(byId("exposure"), rows, (row) => row.mode, () => {
    const line = el("li");
    line.refresh = (/** @type {any} */ row) => {
      const used = Number(row.reserved_usdt) + Number(row.filled_usdt);
      const share = used / Number(row.limit_usdt);
      const label = `${row.mode}: ${money(used)} of ${money(row.limit_usdt)} USDT at stake`;
      replace(
        line,
        el("span", { class: `tag ${row.mode}` }, row.mode),
        el("span", { class: "number" }, el("b", {}, money(used)), ` of ${money(row.limit_usdt, 0)} USDT`),
        meter(share, label),
        el("small", {}, `today: ${row.orders_today} orders, ${money(row.spent_today_usdt)} USDT spent${row.failures ? `, ${row.failures} failures in a row` : ""}`),
      );
    };
    return line;
  });
}

/** Show results by day and in total. */
export function showResults() {
  const mode = shownMode();
  for (const button of document.querySelectorAll("[data-choose-mode]")) {
    const chosen = /** @type {HTMLElement} */ (button).dataset.chooseMode === mode;
    button.setAttribute("aria-pressed", String(chosen));
  }
  const stats = data.tradeStats?.modes.find((/** @type {any} */ each) => each.mode === mode);
  const series = data.results?.modes.find((/** @type {any} */ each) => each.mode === mode);
  const day = new Date(backendNow()).toISOString().slice(0, 10);
  tell("result-today", series?.days.find((/** @type {any} */ each) => each.day === day)?.realised_usdt);
  tell("result-total", series?.all_time_usdt);
  const days = (series?.days ?? []).slice(-14);
  drawBars(byId("result-chart"), days.some((/** @type {any} */ day) => day.closed) ? days.map(dayBar) : [], {
    name: `Result by day, ${mode}`,
    unit: "USDT",
    height: 96,
    format: (value) => money(value, Math.abs(value) < 10 ? 1 : 0),
    empty: `Nothing was sold ${mode === "live" ? "live" : "on paper"} yet.`,
  });
  showRefusals(stats);
}

/** @param {any} day */
function dayBar(day) {
  const title = `${day.day}: ${gain(day.realised_usdt)} USDT, ${day.won} of ${day.closed} won, ${gain(day.cumulative_usdt)} so far`;
  return { label: day.day.slice(5), value: Number(day.realised_usdt), title };
}

/** Show what all that is held would bring beyond what it cost; nothing while that is not known of all of it. */
export function showOpen() {
  const held = data.positions?.items.filter((/** @type {any} */ row) => row.mode === shownMode()).map(worth);
  const isKnown = held && held.every((/** @type {any} */ each) => each !== null);
  tell("result-open", isKnown ? held.reduce((/** @type {number} */ sum, /** @type {any} */ each) => sum + each.gained, 0) : null);
}

/** @param {string} id @param {import("./format.js").Numeric} amount */
function tell(id, amount) {
  const isKnown = amount !== null && amount !== undefined;
  const place = byId(id);
  setText(place, isKnown ? gain(amount) : "–");
  place.className = !isKnown || Number(amount) === 0 ? "" : Number(amount) < 0 ? "loss" : "win";
}

/** @param {any} stats */
function showRefusals(stats) {
  const refusals = (stats?.refusals ?? []).slice(0, 6);
  byId("no-refusals").hidden = refusals.length > 0;
  syncList(byId("refusals"), refusals, (each) => `${each.side} ${each.code}`, () => {
    const line = el("li", {}, el("span", {}), el("span", { class: "number" }));
    line.refresh = (/** @type {any} */ each) => {
      setText(line.children[0], each.words || words(each.code));
      setText(line.children[1], `${each.count}×`);
    };
    return line;
  });
}

/** Show how long each stage takes, and how the whole is distributed. */
export function showSpeed() {
  const stats = data.tradeStats?.modes.find((/** @type {any} */ each) => each.mode === shownMode());
  const latency = new Map((stats?.latency ?? []).map((/** @type {any} */ each) => [each.stage, each]));
  const rows = STAGES.filter((stage) => latency.has(stage)).map((stage) => latency.get(stage));
  byId("speed-table").hidden = rows.length === 0;
  syncList(byId("speed"), rows, (row) => row.stage, (first) => {
    const cells = Array.from({ length: 4 }, () => el("td", { class: "number" }));
    const line = el("tr", {}, el("th", { scope: "row" }, first.stage === "total" ? "detection → order" : first.stage), cells);
    line.refresh = (/** @type {any} */ row) => {
      [row.p50_ms, row.p95_ms, row.p99_ms].forEach((value, number) => setText(cells[number], milliseconds(value)));
      setText(cells[3], String(row.samples));
    };
    return line;
  });
  const buckets = /** @type {any} */ (latency.get("total"))?.buckets ?? [];
  drawBars(byId("speed-chart"), buckets.map((/** @type {any} */ each) => ({ label: milliseconds(each.up_to_ms), value: each.samples, title: `up to ${milliseconds(each.up_to_ms)}: ${each.samples} listings` })), {
    name: "Detection to order, distribution over 24 hours",
    unit: "listings",
    height: 80,
    format: (value) => String(Math.round(value)),
    empty: "No order was answered in the last 24 hours.",
  });
}
