/** What the exchange lists under a name that no event has a place for: shown where health names it, until acknowledged. */

import { get, post } from "./api.js";
import { carryOut } from "./dialogs.js";
import { byId, el, syncList } from "./dom.js";
import { data } from "./store.js";

/** @type {string | undefined} */
let told;
/** @type {any[]} */
let waiting = [];

/** Read the names again where ingest tells another thing than before. */
export async function watchUnplaced() {
  const ingest = data.health?.components.find((/** @type {any} */ each) => each.component_name === "ingest");
  if (!ingest || ingest.detail === told) return;
  told = ingest.detail;
  try {
    waiting = ingest.detail ? (await get("/unplaced")).items : [];
  } catch {
    told = undefined;
  }
  show();
}

function show() {
  byId("unplaced").hidden = waiting.length === 0;
  syncList(byId("unplaced-names"), waiting, (each) => each.symbol, (each) => el("li", {}, el("b", {}, each.symbol), ` ${each.reason}, seen `, el("sn-age", { datetime: each.seen_at })));
}

/** Wire the button. */
export function start() {
  byId("acknowledge").addEventListener("click", () =>
    carryOut(async () => {
      // Those that were shown: what came meanwhile is still to be seen.
      const { items } = await post("/unplaced/acknowledge", { symbols: waiting.map((each) => each.symbol) });
      waiting = [];
      show();
      return items.length ? `Acknowledged: ${items.map((/** @type {any} */ each) => each.symbol).join(", ")}.` : "Somebody else has acknowledged them.";
    }),
  );
}
