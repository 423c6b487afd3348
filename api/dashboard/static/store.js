/** What the page shows: slices of the API's answers, read again when an event says that they changed. */

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

/** Which slices are read again after an event of a kind. @type {Record<string, Slice[]>} */
const CHANGED = {
  listing: ["stats", "upcoming"],
  trade: ["tradeStats"],
  position: ["results", "tradeStats"],
  config: ["config"],
  halt: ["config"],
  open: /** @type {Slice[]} */ (Object.keys(PATHS)),
  reset: /** @type {Slice[]} */ (Object.keys(PATHS)),
};
/** Which slice a state of the stream is. @type {Record<string, string>} */
const STATES = { health: "health", status: "status", held: "positions" };
/** Which list the row of an event belongs to. @type {Record<string, Slice>} */
const ROWS = { listing: "listings", trade: "trades" };
/** Rows of a list that are kept. */
const KEPT = 100;
const EVERY_SECONDS = 10;
const GATHER_MS = 120;

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
/** @type {number | undefined} */
let timer;

/** Call *watch* with the name of each slice that was read. */
export function onChange(/** @type {(slice: string) => void} */ watch) {
  watchers.add(watch);
}

/** @param {string} slice */
const tell = (slice) => watchers.forEach((watch) => watch(slice));

/** Take an event in: what it brings is shown at once, what follows from it is read again in a moment. @param {string} kind @param {any} event */
export function happened(kind, event) {
  if (event?.now) backendSays(event.now);
  if (kind in ROWS) {
    underWay.get(ROWS[kind])?.push(event);
    put(ROWS[kind], event);
  } else if (kind in STATES) take(STATES[kind], kind === "held" ? { items: event } : event);
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

/** @param {string} slice @param {any} answer */
function take(slice, answer) {
  data[slice] = answer;
  if ("exchange_now" in answer) exchangeSays(answer.exchange_now);
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

/** Change the configuration from the version with this tag; what is stored then is shown at once. @param {any} changes @param {string | null} tag */
export async function changeConfig(changes, tag) {
  try {
    takeConfig(await putTagged(PATHS.config, changes, tag ?? ""));
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
  underWay.set(slice, []);
  try {
    if (slice === "config") {
      takeConfig(await getTagged(PATHS.config));
    } else {
      take(slice, await get(PATHS[slice]));
      underWay.get(slice)?.forEach((row) => put(slice, row));
    }
  } catch (error) {
    troubles[slice] = error instanceof Refused ? error.message : "the API does not answer";
    tell(slice);
  } finally {
    underWay.delete(slice);
  }
}

/** Whether every slice was read once, or could not be. */
export const isRead = () => Object.keys(PATHS).every((slice) => slice in data || slice in troubles);

/** Read everything now, and what changes with time alone again and again. */
export function start() {
  refresh(/** @type {Slice[]} */ (Object.keys(PATHS)));
  setInterval(() => refresh(["upcoming", "monitor"]), EVERY_SECONDS * 1000);
}
