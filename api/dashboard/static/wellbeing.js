/** Whether everything is well: components, sources and their freshness, warnings and errors, who was first, the key. */

import { backendNow } from "./clock.js";
import { byId, el, replace, setText, syncList } from "./dom.js";
import { duration, milliseconds, words } from "./format.js";
import { data } from "./store.js";

const QUIET_HOURS = 12;

/** Show all of it. */
export function showHealth() {
  const health = data.health;
  if (!health) return;
  const word = byId("health");
  setText(word, health.status);
  word.dataset.status = health.status;
  setText(byId("version"), health.version);
  syncList(byId("components"), health.components, (each) => each.component_name, component);
  byId("no-feeds").hidden = health.feeds.length > 0;
  syncList(byId("feeds"), health.feeds, (each) => each.name, feed);
  showSilence(health.latest_listing);
  showTroubles(health.troubles);
  showKey(health.components);
}

/** @param {any} first */
function component(first) {
  const name = el("span", { class: "name" }, first.component_name);
  const age = el("sn-age");
  const detail = el("small");
  const line = el("li", {}, el("span", { class: "light", "aria-hidden": "true" }), name, age, detail);
  line.refresh = (/** @type {any} */ each) => {
    line.dataset.status = each.status;
    age.setAttribute("datetime", each.updated_at);
    setText(detail, each.status === "running" ? "" : `${each.status}${each.detail ? `: ${each.detail}` : ""}`);
  };
  return line;
}

function feed() {
  const name = el("span", { class: "name" });
  const age = el("sn-age");
  const detail = el("small");
  const line = el("li", {}, el("span", { class: "light", "aria-hidden": "true" }), name, age, detail);
  line.refresh = (/** @type {any} */ each) => {
    line.dataset.status = each.trouble ? (each.optional ? "degraded" : "error") : "running";
    setText(name, words(each.name));
    age.setAttribute("datetime", new Date(backendNow() - each.age_seconds * 1000).toISOString());
    setText(detail, each.trouble);
  };
  return line;
}

/** @param {any} latest */
function showSilence(latest) {
  const place = byId("silence");
  if (!latest) return setText(place, "No listing was ever seen.");
  const hours = (backendNow() - Date.parse(latest.created_at)) / 3_600_000;
  replace(place, hours >= QUIET_HOURS ? `No listing for ${duration(hours * 3600)}; last ` : "Last listing ", el("b", {}, latest.symbol), " ", el("sn-age", { datetime: latest.created_at }));
  place.classList.toggle("wrong", hours >= 72);
}

/** @param {number} count @param {string} what */
const counted = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

/** @param {any[]} troubles */
function showTroubles(troubles) {
  const errors = troubles.reduce((sum, each) => sum + each.errors, 0);
  const warnings = troubles.reduce((sum, each) => sum + each.warnings, 0);
  const place = byId("troubles-count");
  setText(place, `${counted(errors, "error")}, ${counted(warnings, "warning")} in the last hour`);
  place.classList.toggle("wrong", errors > 0);
  const lines = troubles.flatMap((each) => each.latest).slice(0, 6);
  byId("troubles").hidden = lines.length === 0;
  syncList(byId("troubles"), lines, (line) => line, (line) => el("li", {}, line));
}

/** @param {any[]} components */
function showKey(components) {
  const key = components.find((each) => each.component_name === "executor")?.facts?.api_key;
  const place = byId("api-key");
  if (!key) return setText(place, "API key: none, or the executor has not told.");
  replace(place, `API key: ${[...rights(key), ...terms(key)].join(" · ")} · `, ...lastUse(key));
  syncList(byId("api-key-wrong"), [...key.failings, ...key.risks], (each) => each, (each) => el("li", {}, each));
}

/** What the exchange tells: MEXC does not say whether it means the key or the account. @param {any} key */
function rights(key) {
  if (!key.accepted_at) return ["not answered for yet"];
  const can = { trade: key.can_trade, withdraw: key.can_withdraw };
  return Object.entries(can).map(([what, may]) => (may === null ? `${what}: not told` : `${may ? "may" : "may not"} ${what}`));
}

/** What an operator told: the exchange tells no age. @param {any} key */
function terms(key) {
  const age = key.created_on ? `made ${duration((backendNow() - Date.parse(key.created_on)) / 1000)} ago` : "age unknown (SNIPER_MEXC_API_KEY_CREATED)";
  if (key.ip_bound) return [age, "bound to IP addresses, does not expire"];
  return key.expires_on ? [age, `expires on ${key.expires_on}`] : [age, "expires 90 days after it was made unless bound to IP addresses"];
}

/** @param {any} key */
const lastUse = (key) => (key.accepted_at ? ["accepted ", el("sn-age", { datetime: key.accepted_at })] : ["never accepted since the start"]);

/** Show which source was first how often, and by how much. */
export function showFirst() {
  const leads = data.stats?.leads ?? [];
  byId("no-leads").hidden = leads.length > 0;
  syncList(byId("leads"), leads, (each) => `${each.first} ${each.other}`, () => {
    const line = el("li", {}, el("span"), el("span", { class: "number" }));
    line.refresh = (/** @type {any} */ each) => {
      setText(line.children[0], `${words(each.first)} before ${words(each.other)}`);
      setText(line.children[1], `${each.times}×, ${milliseconds(each.p50_ms)} median`);
    };
    return line;
  });
}
