/** The configuration: checked while typing, saved against the version that was read, and armed on purpose only. */

import { Refused, get, post } from "./api.js";
import { backendIsKnown, backendNow } from "./clock.js";
import { ask, carryOut, explain, field, say, unfit } from "./dialogs.js";
import { byId, replace, setText } from "./dom.js";
import { EXITS, ladderField, ladderOf, ladderText } from "./exits.js";
import { moment, money } from "./format.js";
import { complaint } from "./numbers.js";
import { changeConfig, configTag, data, refresh } from "./store.js";

/** @type {import("./exits.js").Setting[]} */
const SETTINGS = [
  { name: "max_trade_usdt", label: "At most for one trade", unit: "USDT", min: 0.01 },
  { name: "max_position_usdt", label: "At most at stake", unit: "USDT", min: 0.01 },
  { name: "daily_loss_usdt_max", label: "Halt when a day lost", unit: "USDT", min: 0.01, optional: true },
  { name: "entry_slippage_pct", label: "Pay at most above the price", unit: "%", min: 0.0001, max: 1000 },
  ...EXITS,
];
/** How long live trading stays on. @type {import("./exits.js").Setting} */
const MINUTES = { name: "minutes", label: "Switch off again after", unit: "minutes", min: 1, max: 366 * 24 * 60, optional: true };

/** @type {any} */
let loaded = null;
/** @type {string | null} */
let loadedTag = null;

const present = () => SETTINGS.filter(({ name }) => name in (data.config ?? {}));

/** Show the form with what is stored, unless somebody is at it. */
export function showConfig() {
  const config = data.config;
  if (!config) return;
  showAutoTrade(config);
  const form = byId("config-form");
  if (isDirty()) {
    byId("config-stale").hidden = loadedTag === configTag;
    return;
  }
  byId("config-stale").hidden = true;
  // What stands there already keeps its focus.
  if (loaded !== null && loadedTag === configTag) return;
  [loaded, loadedTag] = [config, configTag];
  replace(byId("config-fields"), present().map((setting) => settingField(setting, config)), "take_profit_ladder" in config && ladderField(config.take_profit_ladder));
  for (const input of form.querySelectorAll("input")) input.addEventListener("input", check);
  check();
}

/** @param {import("./exits.js").Setting} setting @param {any} config */
function settingField(setting, config) {
  const value = config[setting.name];
  return field(setting.label, { name: setting.name, value: value === null ? "" : Number(value), inputmode: "decimal" }, setting.unit + (setting.optional ? "; empty: not at all" : ""));
}

/** @returns {Map<string, string>} */
function typed() {
  return new Map([...byId("config-fields").querySelectorAll("input")].map((input) => [input.name, input.value.trim()]));
}

function isDirty() {
  return loaded !== null && byId("config-fields").children.length > 0 && Object.keys(changes()).length > 0;
}

/** What was changed, as PUT /config takes it; what cannot be read is left for `complaints`. */
function changes() {
  /** @type {Record<string, any>} */
  const changed = {};
  for (const [name, text] of typed()) {
    if (name === "take_profit_ladder") {
      if (text !== ladderText(loaded.take_profit_ladder)) changed[name] = attempt(() => ladderOf(text), text);
    } else {
      const before = loaded[name] === null ? "" : String(Number(loaded[name]));
      if (text !== before) changed[name] = text === "" ? null : name === "holding_seconds_max" ? Number(text) : text;
    }
  }
  return changed;
}

/** @template T @param {() => T} make @param {any} otherwise */
function attempt(make, otherwise) {
  try {
    return make();
  } catch {
    return otherwise;
  }
}

/** What is wrong with each field, as the backend would say it. @returns {Map<string, string>} */
function complaints() {
  /** @type {Map<string, string>} */
  const found = new Map();
  const values = typed();
  for (const setting of present()) {
    const wrong = complaint(values.get(setting.name) ?? "", setting);
    if (wrong) found.set(setting.name, wrong);
  }
  if (!found.size && Number(values.get("max_position_usdt")) < Number(values.get("max_trade_usdt"))) {
    found.set("max_position_usdt", "must not be less than what one trade may cost");
  }
  try {
    ladderOf(values.get("take_profit_ladder") ?? "");
  } catch (error) {
    found.set("take_profit_ladder", /** @type {Error} */ (error).message);
  }
  return found;
}

function check() {
  const found = complaints();
  for (const input of byId("config-fields").querySelectorAll("input")) {
    const message = found.get(input.name) ?? "";
    input.setCustomValidity(message);
    input.setAttribute("aria-invalid", String(Boolean(message)));
    const hint = input.parentElement?.querySelector("small");
    if (hint) {
      hint.dataset.hint ??= hint.textContent ?? "";
      setText(hint, message || hint.dataset.hint);
      hint.classList.toggle("wrong", Boolean(message));
    }
  }
  byId("config-save").disabled = found.size > 0 || !isDirty();
  byId("config-reset").disabled = !isDirty();
}

/** @param {any} config */
function showAutoTrade(config) {
  setText(byId("auto-trade"), config.auto_trade ? "on" : "off");
  setText(byId("auto-trade-until"), config.auto_trade && config.auto_trade_until ? `until ${moment(config.auto_trade_until, { date: true })}` : "");
  setText(byId("arm"), config.auto_trade ? "Switch off" : "Switch on…");
  byId("arm").className = config.auto_trade ? "" : "danger";
}

/** Show whether detection sleeps, and by whom. */
export function showMonitor() {
  const { monitor } = data;
  if (!monitor) return;
  const since = monitor.paused ? `by ${monitor.changed_by}, ${moment(monitor.changed_at, { date: true })}${monitor.reason ? `: ${monitor.reason}` : ""}` : "";
  setText(byId("monitor"), monitor.paused ? "paused" : "on");
  setText(byId("monitor-since"), since);
  setText(byId("monitor-switch"), monitor.paused ? "Resume" : "Pause…");
}

/** Wire the form and the switches. */
export function start() {
  byId("config-form").addEventListener("submit", save);
  byId("config-reset").addEventListener("click", reset);
  byId("config-stale-reset").addEventListener("click", reset);
  byId("arm").addEventListener("click", () => (data.config?.auto_trade ? disarm() : askToArm()));
  byId("monitor-switch").addEventListener("click", () => (data.monitor?.paused ? carryOut(wake) : askToPause()));
}

async function wake() {
  await post("/monitor/resume");
  refresh(["monitor"]);
  return "Detection goes on. What was listed meanwhile is published late, and not bought.";
}

function askToPause() {
  ask({
    title: "Pause detection?",
    text: "No listing is seen until somebody resumes; what is listed meanwhile is published late, and not bought. Positions are watched and sold as before.",
    action: "Pause",
    fields: [field("Why", { name: "reason", maxlength: 200 })],
    act: async (form) => {
      await post("/monitor/pause", { reason: String(form.get("reason") ?? "") });
      refresh(["monitor"]);
      return "Detection is paused.";
    },
  });
}

function reset() {
  replace(byId("config-fields"));
  loaded = null;
  showConfig();
}

/** @param {Event} event */
async function save(event) {
  event.preventDefault();
  if (complaints().size) return check();
  try {
    await changeConfig(changes(), loadedTag);
    say("The configuration is saved.");
    reset();
  } catch (error) {
    if (error instanceof Refused && error.status === 412) await showConflict();
    else say(explain(error), true);
  }
}

/** Show what somebody else changed meanwhile, and by whom. */
async function showConflict() {
  const { items } = await get("/config/history?limit=20");
  const since = Date.parse(loaded.updated_at);
  const meanwhile = items.filter((/** @type {any} */ each, /** @type {number} */ number) => number === 0 || Date.parse(each.created_at) > since);
  const told = meanwhile.map((/** @type {any} */ each) => `by ${each.changed_by}, ${moment(each.created_at, { date: true })}: ${differences(each) || "halts lifted"}`);
  setText(byId("config-stale-words"), `The configuration was changed meanwhile ${told.join("; ")}. Yours was not saved.`);
  byId("config-stale").hidden = false;
  refresh(["config"]);
}

/** Words for one row of the audit. @param {any} row */
export function differences(row) {
  const { before = {}, after = {} } = row;
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .map((name) => `${name} ${shown(before[name])} → ${shown(after[name])}`)
    .join(", ");
}

const A_MOMENT = /^\d{4}-\d\d-\d\dT/;

/** @param {any} value */
function shown(value) {
  if (value === null || value === undefined || value === "") return "none";
  if (Array.isArray(value)) return ladderText(value) || "none";
  return A_MOMENT.test(String(value)) ? moment(value, { date: true }) : typeof value === "object" ? JSON.stringify(value) : String(value);
}

function askToArm() {
  // Of the version whose limits are shown: a raise of them meanwhile is a 412.
  const [config, tag] = [data.config, configTag];
  const minutes = "auto_trade_until" in config && field(MINUTES.label, { name: MINUTES.name, value: "60", inputmode: "decimal" }, `${MINUTES.unit}; empty: stays on until somebody switches it off`);
  const word = field("To confirm, type live", { name: "confirm", required: true, pattern: "live" });
  ask({
    title: "Switch auto_trade on?",
    text: `With every other gate open, the next listing is bought with real money: at most ${money(config.max_trade_usdt)} USDT for one trade, ${money(config.max_position_usdt)} USDT at stake.`,
    action: "Switch on",
    danger: true,
    fields: [minutes, word].filter(Boolean),
    act: async (form) => {
      const text = String(form.get(MINUTES.name) ?? "").trim();
      const wrong = complaint(text, MINUTES);
      if (wrong) throw unfit({ [MINUTES.label]: `${wrong}; only empty means without an end` });
      const end = text === "" ? {} : { auto_trade_until: endAfter(Number(text)) };
      const { auto_trade_until: until } = await changeConfig({ auto_trade: true, confirm: String(form.get("confirm")), ...end }, tag);
      return until ? `auto_trade is on, and switches itself off at ${moment(until, { date: true })}.` : "auto_trade is on, until somebody switches it off.";
    },
  });
}

/** The moment so many minutes from now, by the backend's clock: it is the one that is waited for. @param {number} minutes */
function endAfter(minutes) {
  if (!backendIsKnown()) throw new Refused(0, { message: "The backend's clock is not known yet: try again in a moment." });
  return new Date(backendNow() + minutes * 60_000).toISOString();
}

async function disarm() {
  try {
    await changeConfig({ auto_trade: false }, configTag);
    say("auto_trade is off.");
  } catch (error) {
    say(explain(error), true);
  }
}
