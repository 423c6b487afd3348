/** How long a stage took in each hour of a day: what it usually took, and what one in twenty exceeded. */

import { get } from "./api.js";
import { drawRanges } from "./chart.js";
import { byId } from "./dom.js";
import { shownMode } from "./figures.js";
import { milliseconds, moment } from "./format.js";
import { data } from "./store.js";

const AGAIN_MS = 30_000;
/** @type {any} */
let read = null;
let readAt = -Infinity;
/** What the statistics were when the hours were read. @type {any} */
let of = null;

/** Show the hours of the stage that is chosen; read them again where there are others, but not with every trade. */
export async function showLatency() {
  if (data.tradeStats && data.tradeStats !== of && performance.now() - readAt > AGAIN_MS) {
    [of, readAt] = [data.tradeStats, performance.now()];
    try {
      read = await get("/trades/stats/latency");
    } catch {
      // What was read before stands there, with its hours.
    }
  }
  draw();
}

function draw() {
  const stage = byId("latency-stage").value;
  const mode = shownMode();
  const hours = read?.modes.find((/** @type {any} */ each) => each.mode === mode)?.stages.find((/** @type {any} */ each) => each.stage === stage)?.hours ?? [];
  drawRanges(byId("latency-chart"), hours.map((/** @type {any} */ each) => ({ label: moment(each.hour).slice(0, 5), low: each.p50_ms, high: each.p95_ms, title: titleOf(each) })), {
    name: `${stage} by hour, ${mode}: half took no longer than the darker part, 95 % than the whole`,
    unit: "milliseconds",
    height: 80,
    format: milliseconds,
    empty: "Nothing was timed in the last 24 hours.",
  });
}

/** @param {any} each */
const titleOf = (each) => `${moment(each.hour, { date: true })}: p50 ${milliseconds(each.p50_ms)}, p95 ${milliseconds(each.p95_ms)}, ${each.samples} samples`;

/** Wire the choice. */
export function start() {
  byId("latency-stage").value = sessionStorage.getItem("stage") ?? "total";
  byId("latency-stage").addEventListener("change", () => {
    sessionStorage.setItem("stage", byId("latency-stage").value);
    draw();
  });
  for (const button of document.querySelectorAll("[data-choose-mode]")) button.addEventListener("click", draw);
}
