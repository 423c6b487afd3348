/** How long a stage took in each hour of a day: what it usually took, and what one in twenty exceeded. */

import { get } from "./api.js";
import { drawRanges } from "./chart.js";
import { byId } from "./dom.js";
import { shownMode } from "./figures.js";
import { milliseconds, moment } from "./format.js";
import { data } from "./store.js";

const AGAIN_MS = 30_000;
const HOUR_MS = 3_600_000;
/** @type {any} */
let read = null;
let readAt = -Infinity;
/** What the statistics were when the hours were read. @type {any} */
let of = null;

/** Show the hours of the stage that is chosen; read them again where there are others, but not with every trade. */
export async function showLatency() {
  const stage = byId("latency-stage").value;
  byId("speed-chart").hidden = stage !== "";
  byId("latency-chart").hidden = stage === "";
  if (!stage) return;
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

/** Draw what is chosen now: it may be another than when reading began. */
function draw() {
  const stage = byId("latency-stage").value;
  if (!stage) return;
  const mode = shownMode();
  const stages = read?.modes.find((/** @type {any} */ each) => each.mode === mode)?.stages ?? [];
  const timed = new Map(stages.find((/** @type {any} */ each) => each.stage === stage)?.hours.map((/** @type {any} */ each) => [Date.parse(each.hour), each]));
  drawRanges(byId("latency-chart"), timed.size ? hours().map((at) => range(at, timed.get(at))) : [], {
    name: `${stage} by the hour, ${mode}: half took no longer than the darker part, 95 % than the whole`,
    unit: "milliseconds",
    height: 80,
    format: milliseconds,
    empty: "Nothing was timed in the last 24 hours.",
  });
}

/** Every hour that was asked for, also those without a sample. */
function hours() {
  const [since, until] = [Date.parse(read.since), Date.parse(read.until)];
  return Array.from({ length: Math.floor((until - since) / HOUR_MS) + 1 }, (_, number) => since + number * HOUR_MS);
}

/** @param {number} at @param {any} timed */
function range(at, timed) {
  const hour = new Date(at).toISOString();
  const told = timed ? `p50 ${milliseconds(timed.p50_ms)}, p95 ${milliseconds(timed.p95_ms)}, ${timed.samples} samples` : "nothing was timed";
  return { label: moment(hour).slice(0, 5), low: timed?.p50_ms ?? 0, high: timed?.p95_ms ?? 0, title: `${moment(hour, { date: true })}: ${told}` };
}

/** Wire the choice. */
export function start() {
  byId("latency-stage").value = sessionStorage.getItem("stage") ?? "";
  byId("latency-stage").addEventListener("change", () => {
    sessionStorage.setItem("stage", byId("latency-stage").value);
    showLatency();
  });
}
