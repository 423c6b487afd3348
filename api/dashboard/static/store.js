/**
 * What the page shows: slices of the API's answers. Each is read when the page opens, so that it is painted at once; from
 * then on the stream brings rows and states, and nothing is asked for again but what it does not bring.
 */

import { Refused, get, getTagged, putTagged } from "./api.js";
import { backendSays, exchangeSays } from "./clock.js";

/** @typedef {"health" | "status" | "config" | "listings" | "trades" | "upcoming" | "stats" | "tradeStats" | "results" | "monitor"} Slice */

/** Where each slice is read. `positions` comes with the stream alone: what is held, and what it would bring.
 * @type {Record<Slice, string>} */
const PATHS = {
  health: "/health",
  status: "/status",
  config: "/config",
  listings: "/listings?limit=30",
  trades: "/trades?limit=100",
  upcoming: "/upcoming",
  stats: "/listings/stats",
  tradeStats: "/trades/stats",
  results: "/results",
  monitor: "/monitor",
};

/** What no state of the stream is: lists, of which it brings rows, and the configuration with the tag of its version. @type {Slice[]} */
const ASKED = ["listings", "trades", "config"];
/** Which slices are read again after an event of a kind. @type {Record<string, Slice[]>} */
const CHANGED = { config: ["config"], halt: ["config"], open: ASKED, reset: ASKED };
/** Which slice a state of the stream is. @type {Record<string, string>} */
const STATES = {
  health: "health",
  status: "status",
  held: "positions",
  upcoming: "upcoming",
  listing_stats: "stats",
  trade_stats: "tradeStats",
  results: "results",
  monitor: "monitor",
};
/** Which list the row of an event belongs to. @type {Record<string, Slice>} */
const ROWS = { listing: "listings", trade: "trades" };
/** Rows of a list that are kept. */
const KEPT = 100;
const GATHER_MS = 120;
/** The stream brings each state every 15 s at least: one that stays away for longer is asked for. */
const STATE_MS_MAX = 45_000;
const LOOK_MS = 5000;
const RETRY_MS_MAX = 30_000;

/** @type {Record<string, any>} */
export const data = {};
/** Why a slice could not be read. @type {Record<string, string>} */
export const troubles = {};
/** @type {string | null} */
export let configTag = null;

/** @type {Set<(slice: string) => void>} */
const watchers = new Set();
/** @type {Set<Slice>} */
const wanted = new Set();
/** When each slice came last. @type {Map<string, number>} */
const cameAt = new Map();
/** How often in a row each could not be read. @type {Map<Slice, number>} */
const failures = new Map();
/** @type {number | undefined} */
let timer;

/** Call *watch* with the name of each slice that was read. */
export function onChange(/** @type {(slice: string) => void} */ watch) {
  watchers.add(watch);
}

/** @param {string} slice */
const tell = (slice) => watchers.forEach((watch) => watch(slice));

/** Take an event in: what it brings is shown at once, what follows from it is read again in a moment. @param {string} kind @param {any} event @param {number} [ago] the ms since the backend said so */
export function happened(kind, event, ago = 0) {
  if (event?.now) backendSays(event.now, ago);
  if (kind in ROWS) {
    underWay.get(ROWS[kind])?.push(event);
    put(ROWS[kind], event);
  } else if (kind in STATES) take(STATES[kind], kind === "held" ? { items: event } : event, ago);
  // Without its database the backend answers nothing; with it again, everything may have changed.
  refresh(kind === "database" ? (event.reachable ? CHANGED.open : []) : (CHANGED[kind] ?? []));
}

/** Put *row* where it belongs in the list of *slice*, newest first. @param {Slice} slice @param {any} row */
function put(slice, row) {
  const rows = data[slice]?.items ?? [];
  const known = rows.findIndex((/** @type {any} */ each) => each.id === row.id);
  const items = known < 0 ? [row, ...rows] : rows.with(known, row);
  items.sort((/** @type {any} */ one, /** @type {any} */ other) => Date.parse(other.created_at) - Date.parse(one.created_at) || other.id - one.id);
  take(slice, { ...data[slice], items: items.slice(0, KEPT) });
}

/** @param {string} slice @param {any} answer @param {number} [ago] */
function take(slice, answer, ago = 0) {
  data[slice] = answer;
  cameAt.set(slice, performance.now() - ago);
  if ("exchange_now" in answer) exchangeSays(answer.exchange_now, ago);
  failures.delete(/** @type {Slice} */ (slice));
  delete troubles[slice];
  tell(slice);
}

/** Read *slices* again soon; those that are asked for meanwhile come along. */
export function refresh(/** @type {Slice[]} */ slices) {
  slices.forEach((slice) => wanted.add(slice));
  if (wanted.size) timer ??= setTimeout(readWanted, GATHER_MS);
}

async function readWanted() {
  const slices = [...wanted];
  wanted.clear();
  await Promise.allSettled(slices.map(read));
  timer = undefined;
  if (wanted.size) refresh([]);
}

/** Change the configuration from the version with this tag; what is stored then is shown at once, and returned. @param {any} changes @param {string | null} tag @returns {Promise<any>} */
export async function changeConfig(changes, tag) {
  try {
    const found = await putTagged(PATHS.config, changes, tag ?? "");
    takeConfig(found);
    return found.answer;
  } finally {
    refresh(["config", "status"]);
  }
}

/** @param {{answer: any, etag: string | null}} found */
function takeConfig(found) {
  configTag = found.etag;
  take("config", found.answer);
}

/** Rows that events brought while a list was being read: its answer may be from before them. @type {Map<Slice, any[]>} */
const underWay = new Map();

/** @param {Slice} slice */
async function read(slice) {
  const before = data[slice];
  underWay.set(slice, []);
  try {
    if (slice === "config") {
      takeConfig(await getTagged(PATHS.config));
    } else {
      const answer = await get(PATHS[slice]);
      // A state that the stream brought meanwhile is no older.
      if (ASKED.includes(slice) || data[slice] === before) take(slice, answer);
      underWay.get(slice)?.forEach((row) => put(slice, row));
    }
  } catch (error) {
    troubles[slice] = error instanceof Refused ? error.message : "the API does not answer";
    tell(slice);
    retry(slice, error);
  } finally {
    underWay.delete(slice);
  }
}

/** Read *slice* again after a while, a longer one each time, unless it has come by then. @param {Slice} slice @param {any} error */
function retry(slice, error) {
  const count = (failures.get(slice) ?? 0) + 1;
  failures.set(slice, count);
  const asked = (error instanceof Refused ? Number(error.details.retry_after_seconds) : 0) * 1000 || 0;
  const wait = Math.max(asked, Math.min(RETRY_MS_MAX, 1000 * 2 ** count) * (0.5 + Math.random() / 2));
  setTimeout(() => slice in troubles && failures.get(slice) === count && refresh([slice]), wait);
}

/** Ask for the states that the stream should have brought again by now. */
function askForMissing() {
  const missing = Object.values(STATES).filter((slice) => slice in PATHS && slice in data && performance.now() - (cameAt.get(slice) ?? 0) > STATE_MS_MAX);
  refresh(/** @type {Slice[]} */ (missing.filter((slice) => !(slice in troubles))));
}

/** Whether every slice was read once, or could not be. */
export const isRead = () => Object.keys(PATHS).every((slice) => slice in data || slice in troubles);

/** Read everything now; what stays away is asked for again. */
export function start() {
  refresh(/** @type {Slice[]} */ (Object.keys(PATHS)));
  setInterval(askForMissing, LOOK_MS);
}
