/** Lists that are read for the view that is open, and the story of a listing: read again soon after what concerns them. */

import { byId } from "./dom.js";
import { backendNow } from "./clock.js";
import { isFollowed, showStory } from "./listings.js";
import { LISTS } from "./tables.js";

/** @typedef {() => Promise<boolean>} Read whether it could be read */

/** After which events each is read again. @type {Record<string, string[]>} */
const CONCERNS = { trades: ["trade", "position"], history: ["config", "halt", "monitor", "trade", "position"], story: ["listing", "trade", "position"] };
/** Whatever happened before the link stood was missed. */
const ANYTHING = ["open", "reset"];
/** Many things happen at once, and many pages may be open. */
const PAUSE_MS = 2000;
const RETRY_MS = 5000;

let open = "";
/** When detection was switched last, as far as it was told. @type {string | null | undefined} */
let switchedAt;
/** @type {Map<string, number>} */
const timers = new Map();

/** Show *view*, read anew. @param {string} view */
export function show(view) {
  open = view;
  byId("view-read").hidden = !(view in LISTS);
  if (view in LISTS) readView(LISTS[view].map((list) => list.newest));
}

/** Whether something may have been missed before this event. @param {string} kind @param {any} event */
export const isBack = (kind, event) => ANYTHING.includes(kind) || (kind === "database" && event.reachable);

/** Read again what *event* concerns. @param {string} kind @param {any} event */
export function happened(kind, event) {
  const anything = isBack(kind, event);
  const isNews = kind !== "monitor" || isSwitched(event);
  if (open in LISTS && (anything || (isNews && CONCERNS[open].includes(kind)))) soon("view", readOpen, PAUSE_MS);
  if (isFollowed() && (anything || concernsStory(kind, event))) soon("story", showStory, kind === "held" ? PAUSE_MS : 0);
}

/** Whether detection was switched since it was told last: a state is told again and again. @param {any} monitor */
function isSwitched(monitor) {
  const before = switchedAt;
  switchedAt = monitor.changed_at;
  return before !== undefined && before !== switchedAt;
}

/** @param {string} kind @param {any} event */
function concernsStory(kind, event) {
  const symbol = byId("story").dataset.symbol;
  if (kind === "held") return event.some((/** @type {any} */ row) => row.symbol === symbol);
  return CONCERNS.story.includes(kind) && event.symbol === symbol;
}

const readOpen = () => open in LISTS && readView(LISTS[open].map((list) => list.update));

/** @param {Read[]} reads */
async function readView(reads) {
  const view = open;
  const done = await Promise.all(reads.map((read) => read()));
  if (view !== open) return;
  if (done.every(Boolean)) byId("view-age").setAttribute("datetime", new Date(backendNow()).toISOString());
  else soon("view", readOpen, RETRY_MS);
}

/** Do *what* in a while, once, however often it is asked for meanwhile. @param {string} name @param {() => any} what @param {number} wait */
function soon(name, what, wait) {
  if (timers.has(name)) return;
  const done = () => {
    timers.delete(name);
    what();
  };
  timers.set(name, setTimeout(done, wait));
}
