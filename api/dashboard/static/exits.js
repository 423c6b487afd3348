/** Exits: their fields, the ladder as people write it, and the exits of one position. */

import { patch } from "./api.js";
import { ask, field, unfit } from "./dialogs.js";
import { complaint } from "./numbers.js";
import { data, refresh } from "./store.js";

/** @typedef {{name: string, label: string, unit: string, min?: number, max?: number, optional?: boolean}} Setting */

/** @type {Setting[]} */
export const EXITS = [
  { name: "stop_loss_pct", label: "Stop-loss", unit: "% below the price paid", min: 0.0001, max: 99.9999, optional: true },
  { name: "take_profit_pct", label: "Take-profit", unit: "% above the price paid", min: 0.0001, max: 1000, optional: true },
  { name: "trailing_stop_pct", label: "Trailing stop", unit: "% below the highest price", min: 0.0001, max: 99.9999, optional: true },
  { name: "trailing_activation_pct", label: "Trailing begins", unit: "% above the price paid", min: 0.0001, max: 1000, optional: true },
  { name: "holding_seconds_max", label: "Sell after", unit: "seconds", min: 1, optional: true },
];
const LADDER = "take_profit_ladder";
const LADDER_LABEL = "Take-profit in steps";
const ABOVE_NOUGHT = { min: 0.0001 };
const ONE = "of_position_";
const NAMES = [...EXITS.map((each) => each.name), LADDER];

/** What counts for *row*: its own exits before the configured ones. @param {any} row @returns {Record<string, any>} */
export const exitsOf = (row) => ({ ...data.config, ...row.exits });

/** @param {any[] | null | undefined} ladder */
export const ladderText = (ladder) => (ladder ?? []).map((step) => `${Number(step.at_pct)}: ${Number(step.sell_pct)}`).join(", ");

/** @param {string} text */
export function ladderOf(text) {
  if (!text.trim()) return [];
  return text.split(",").map((step) => {
    const [at, sell, ...rest] = step.split(":").map((part) => part.trim());
    if (complaint(at ?? "", ABOVE_NOUGHT) || complaint(sell ?? "", ABOVE_NOUGHT) || rest.length) throw new Error("steps are written like 30: 50, 60: 25");
    return { at_pct: at, sell_pct: sell };
  });
}

/** @param {any} value @param {string} name */
export const textOf = (value, name) => (name === LADDER ? ladderText(value) : value === null || value === undefined ? "" : String(Number(value)));

/** @param {string} text @param {string} name */
const valueOf = (text, name) => (name === LADDER ? ladderOf(text) : text === "" ? null : name === "holding_seconds_max" ? Number(text) : text);

/** What the fields show of *exits*. @param {Record<string, any>} exits @returns {Record<string, string>} */
const textsOf = (exits) => Object.fromEntries(NAMES.map((name) => [name, textOf(exits[name], name)]));

/** The field of the ladder. @param {any} ladder @param {string} [name] */
export const ladderField = (ladder, name = LADDER) =>
  field(LADDER_LABEL, { name, value: ladderText(ladder), placeholder: "30: 50, 60: 25" }, "at %: sell %, separated by commas; empty: none");

/** Ask for exits of *row* alone. What is as configured follows the configuration. @param {any} row */
export function askForExits(row) {
  const counts = exitsOf(row);
  // As they are now: the configuration may change while the dialog is open.
  const [shown, configured] = [textsOf(counts), textsOf(data.config)];
  ask({
    title: `When is ${row.symbol} sold?`,
    text: `For this position (${row.mode}) alone, from the next look on. What is as configured follows the configuration.`,
    action: "Change",
    fields: [
      ...EXITS.map(({ name, label, unit }) =>
        field(label, { name: ONE + name, value: shown[name], inputmode: "decimal" }, `${unit}; empty: not at all; configured: ${configured[name] || "none"}`),
      ),
      ladderField(counts[LADDER], ONE + LADDER),
    ],
    act: async (form) => {
      refuseUnfit(form);
      await patch(`/positions/${row.id}`, changesOf(form, shown, configured));
      refresh(["status"]);
      return `The exits of ${row.symbol} are changed.`;
    },
  });
}

/** Refuse what is no number: it must not become none at all on its way. @param {FormData} form */
function refuseUnfit(form) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const setting of EXITS) {
    const wrong = complaint(String(form.get(ONE + setting.name) ?? "").trim(), setting);
    if (wrong) found[setting.label] = wrong;
  }
  try {
    ladderOf(String(form.get(ONE + LADDER) ?? ""));
  } catch (error) {
    found[LADDER_LABEL] = /** @type {Error} */ (error).message;
  }
  if (Object.keys(found).length) throw unfit(found);
}

/** What PATCH takes of what was edited. @param {FormData} form @param {Record<string, string>} shown @param {Record<string, string>} configured */
function changesOf(form, shown, configured) {
  /** @type {Record<string, any>} */
  const own = {};
  const follow = [];
  for (const name of NAMES) {
    const text = String(form.get(ONE + name) ?? "").trim();
    if (text === shown[name]) continue;
    if (text === configured[name]) follow.push(name);
    else own[name] = valueOf(text, name);
  }
  return { ...own, follow };
}
