/** Lists that are read for the view that is open, and the story of a listing: read again soon after what concerns them. */

import { byId } from "./dom.js";
import { backendNow } from "./clock.js";
import { showStory } from "./listings.js";
import { LISTS } from "./tables.js";

/** @typedef {() => Promise<boolean>} Read whether it could be read */

/** After which events each is read again. @type {Record<string, string[]>} */
const CONCERNS = { trades: ["trade", "position"], history: ["config", "halt", "position"], story: ["listing", "trade", "position"] };
/** Whatever happened before the link stood was missed. */
const ANYTHING = ["open", "reset"];
/** Many things happen at once, and many pages may be open. */
const PAUSE_MS = 2000;
const RETRY_MS = 5000;

let open = "";
/** @type {Map<string, number>} */
const timers = new Map();

/** Show *view*, read anew. @param {string} view */
export function show(view) {
  open = view;
  byId("view-read").hidden = !(view in LISTS);
  if (view in LISTS) readView(LISTS[view].map((list) => list.newest));
}

/** Read again what *event* concerns. @param {string} kind @param {any} event */
export function happened(kind, event) {
  const isBack = ANYTHING.includes(kind) || (kind === "database" && event.reachable);
  if (open in LISTS && (isBack || CONCERNS[open].includes(kind))) soon("view", readOpen, PAUSE_MS);
  const concernsStory = CONCERNS.story.includes(kind) && event.symbol === byId("story").dataset.symbol;
  if (byId("story").open && (isBack || concernsStory || kind === "held")) soon("story", showStory, kind === "held" ? PAUSE_MS : 0);
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
