/** The header: whether money is at stake, why not, whether anything is heard, and the three ways to stop. */

import { post } from "./api.js";
import { byId, el, setAttribute, setText, syncList } from "./dom.js";
import { ask, carryOut, field } from "./dialogs.js";
import { duration, sentence } from "./format.js";
import { awaySeconds, silentSeconds, state as linkState } from "./link.js";
import { expectSales } from "./sales.js";
import { data, refresh } from "./store.js";

const BADGES = { live: "LIVE", armed: "ARMED", "dry-run": "DRY-RUN", unknown: "LIVE?" };
const COLOURS = { live: "#d92d20", armed: "#b54708", "dry-run": "#475467", unknown: "#98a2b3" };
const NAMES = { live: "SNIPER_LIVE", keys: "API keys", auto_trade: "auto_trade", halt: "no halt", executor: "executor" };

/** @param {string} colour */
function showIcon(colour) {
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="${colour}"/><circle cx="8" cy="8" r="3" fill="#fff"/></svg>`;
  setAttribute(byId("icon"), "href", `data:image/svg+xml,${encodeURIComponent(drawing)}`);
}

/** Show trading, gates and halts. */
export function showStatus() {
  const status = data.status;
  if (!status) return;
  const trading = /** @type {keyof typeof BADGES} */ (status.trading);
  const badge = byId("mode");
  setText(badge, BADGES[trading]);
  badge.dataset.mode = trading;
  showIcon(COLOURS[trading]);
  syncList(byId("gates"), status.gates, (gate) => gate.name, gateLight);
  showHalts(status.config);
  showTitle();
}

/** @param {any} first */
function gateLight(first) {
  const light = el("li", {}, el("span", { class: "light", "aria-hidden": "true" }), el("span", { class: "name" }), el("span", { class: "why" }));
  light.refresh = (/** @type {any} */ gate) => {
    const name = /** @type {Record<string, string>} */ (NAMES)[gate.name] ?? gate.name;
    setText(light.children[1], name);
    setText(light.children[2], gate.open ? "" : gate.reason);
    light.dataset.open = String(gate.open);
    setAttribute(light, "title", gate.open ? `${name}: open` : `${name}: ${gate.reason}`);
  };
  light.refresh(first);
  return light;
}

/** @param {any} config */
function showHalts(config) {
  const halts = config.halts ?? [];
  const banner = byId("halts");
  banner.hidden = halts.length === 0;
  byId("resume").hidden = halts.length === 0;
  byId("halt").hidden = config.halted;
  if (!halts.length) return;
  const exits = halts.some((/** @type {any} */ halt) => halt.exits);
  const rest = config.selling_all ? "everything that is held is being sold" : "exits still run";
  const what = exits ? "Halted: nothing is bought or sold" : `Halted: nothing is bought${where(halts)}; ${rest}`;
  const causes = halts.map((/** @type {any} */ halt) => `${halt.cause}${halt.mode ? ` (${halt.mode})` : ""}${halt.reason ? `: ${halt.reason}` : ""}`);
  setText(banner, `${what} · ${causes.join(" · ")}`);
  banner.dataset.exits = String(exits);
}

/** The mode that *halts* stop, where it is one alone. @param {any[]} halts */
function where(halts) {
  const modes = new Set(halts.map((halt) => halt.mode ?? "both"));
  if (modes.has("both") || modes.size > 1) return "";
  return modes.has("live") ? " live" : " on paper";
}

/** The title counts open positions, and says what is wrong first. */
export function showTitle() {
  const open = (data.positions?.items ?? []).filter((/** @type {any} */ row) => row.state === "open" || row.state === "closing").length;
  const trading = data.status ? BADGES[/** @type {keyof typeof BADGES} */ (data.status.trading)] : "…";
  const mark = ["silent", "away"].includes(linkState()) ? "⚠ " : "";
  document.title = `${mark}${open ? `(${open}) ` : ""}${trading} · sniper`;
}

/** Show the state of the link, and grey what can no longer be trusted. */
export function showLink() {
  const state = linkState();
  const words = {
    live: "connected",
    lost: "connecting…",
    silent: `nothing heard for ${duration(silentSeconds())}`,
    away: `database away for ${duration(awaySeconds())}`,
  };
  const untrusted = state === "silent" || state === "away";
  const place = byId("link");
  setText(place, words[state]);
  place.dataset.state = state;
  document.body.classList.toggle("stale", untrusted);
  if (untrusted) showIcon(COLOURS.unknown);
  showTitle();
}

/** Wire the buttons. */
export function start() {
  byId("halt").addEventListener("click", () => carryOut(halt));
  byId("halt-close").addEventListener("click", () =>
    ask({
      title: "Halt and sell everything?",
      text: "Purchases stop, and every open position of both modes is sold at what the book gives. Both or neither.",
      action: "Halt and sell all",
      danger: true,
      act: async () => {
        expectSales(data.positions?.items ?? []);
        const answer = await post("/halt-and-close", { reason: "halted on the dashboard" });
        refresh(["status", "config"]);
        return sentence(answer.message);
      },
    }),
  );
  byId("resume").addEventListener("click", () =>
    ask({
      title: "Resume trading?",
      text: "Every halt in force is lifted, whoever set it. Purchases go on within the limits.",
      action: "Resume",
      act: async () => {
        await post("/resume");
        refresh(["status", "config"]);
        return "Trading goes on.";
      },
    }),
  );
  byId("inject").addEventListener("click", () =>
    ask({
      title: "Inject a test listing",
      text: "It takes the whole way of a listing, marked as a test, and is never bought live.",
      action: "Inject",
      fields: [field("Symbol", { name: "symbol", required: true, placeholder: "TESTUSDT" })],
      act: async (form) => {
        const symbol = String(form.get("symbol")).trim().toUpperCase();
        await post("/listings", { symbol });
        dispatchEvent(new CustomEvent("follow", { detail: symbol }));
        return `${symbol} is on its way.`;
      },
    }),
  );
}

async function halt() {
  await post("/halt", { exits: false, reason: "halted on the dashboard" });
  refresh(["status", "config"]);
  return "Purchases are halted; exits still run.";
}
