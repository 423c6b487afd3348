/** Why a trade was not made: in words, with the settings that bound it. */

import { words } from "./format.js";
import { data } from "./store.js";

/** What the executor told of its own limits. @returns {Record<string, any>} */
const limits = () => data.health?.components.find((/** @type {any} */ each) => each.component_name === "executor")?.facts?.limits ?? {};

/** @param {any} trade */
export function why(trade) {
  const known = { ...limits(), ...trade.config };
  const bound = (trade.bound_by ?? []).filter((/** @type {string} */ name) => known[name] !== undefined && known[name] !== null);
  return [trade.words ?? "no reason was given", ...bound.map((/** @type {string} */ name) => `${words(name)} ${known[name]}`)].join(" · ");
}
