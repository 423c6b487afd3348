/** Orders in doubt: those that the exchange does not explain, and a person has to. */

import { get, post } from "./api.js";
import { ask, field } from "./dialogs.js";
import { byId, el, replace, setText, syncList } from "./dom.js";
import { money } from "./format.js";
import { data } from "./store.js";

/** What was known of orders when they were read last. */
let known = "";

/** Whether a person may have to say what became of *order*. @param {any} order */
export const isInDoubt = (order) => order.state === "unknown" || (order.state === "acknowledged" && Boolean(order.attention));

/** Read the orders in doubt again where health or trades say that there is news of them. */
export async function watchOrders() {
  const executor = data.health?.components.find((/** @type {any} */ each) => each.component_name === "executor");
  const pending = (data.trades?.items ?? []).filter((/** @type {any} */ each) => each.status === "pending");
  const news = JSON.stringify([executor?.detail, pending.map((/** @type {any} */ each) => [each.id, each.error_reason])]);
  if (!data.health || !data.trades || news === known) return;
  known = news;
  await read();
}

async function read() {
  try {
    const pages = await Promise.all(["unknown", "acknowledged"].map((state) => get(`/orders?state=${state}&limit=100`)));
    show(pages.flatMap((page) => page.items).filter(isInDoubt));
  } catch {
    known = "";
  }
}

/** @param {any[]} orders */
function show(orders) {
  byId("doubt").hidden = orders.length === 0;
  setText(byId("doubt-count"), orders.length ? String(orders.length) : "");
  syncList(byId("doubted"), orders, (order) => order.client_order_id, create);
}

/** @param {any} first */
function create(first) {
  const [since, what, why] = [el("td"), el("td"), el("td", { class: "wrong" })];
  const line = el(
    "tr",
    {},
    el("th", { scope: "row" }, first.symbol, el("span", { class: `tag ${first.mode}` }, first.mode)),
    what,
    since,
    why,
    el("td", { class: "actions" }, settleButton(first)),
  );
  line.refresh = (/** @type {any} */ order) => {
    replace(since, el("sn-age", { datetime: order.decided_at }));
    setText(what, order.side === "BUY" ? `buy for ${money(order.quote_qty)} USDT` : `sell ${Number(order.base_qty)}`);
    setText(why, order.attention ?? "being looked for");
  };
  return line;
}

/** The button that settles *order*. @param {any} order */
export const settleButton = (order) =>
  el("button", { class: "small", "aria-label": `Settle the order of ${order.symbol}`, on: { click: () => askToSettle(order) } }, "Settle…");

/** @param {any} order */
function askToSettle(order) {
  const outcome = el(
    "select",
    { id: "field-outcome", name: "outcome" },
    el("option", { value: "absent" }, "It never took place"),
    el("option", { value: "filled" }, "It was filled"),
  );
  ask({
    title: `What became of the order of ${order.symbol}?`,
    text: `${order.side === "BUY" ? "A purchase" : "A sale"} (${order.mode}), ${order.client_order_id}. Look it up in the exchange's own pages: what is recorded here counts.`,
    action: "Settle",
    danger: true,
    fields: [
      el("p", { class: "field" }, el("label", { for: "field-outcome" }, "Outcome"), outcome),
      field("Filled", { name: "base_qty", inputmode: "decimal" }, "of the coin, before fees; empty where it never took place"),
      field("Cost", { name: "cost", inputmode: "decimal" }, "in the quote asset, before fees"),
      field("Fee", { name: "fee", inputmode: "decimal" }, "empty: none is known"),
      field("Asset of the fee", { name: "fee_asset" }),
      field("Why you know", { name: "reason", required: true, maxlength: 200 }),
    ],
    act: async (form) => {
      await post(`/orders/${encodeURIComponent(order.client_order_id)}/settle`, outcomeOf(form));
      known = "";
      dispatchEvent(new CustomEvent("settled"));
      return `The executor is asked to record what became of the order of ${order.symbol}.`;
    },
  });
}

/** What was said, as the API takes it. @param {FormData} form */
function outcomeOf(form) {
  const reason = String(form.get("reason")).trim();
  if (form.get("outcome") === "absent") return { absent: true, reason };
  const named = ["base_qty", "cost", "fee", "fee_asset"].map((name) => [name, String(form.get(name) ?? "").trim()]);
  return { ...Object.fromEntries(named.filter(([, text]) => text)), reason };
}
