/** The dashboard: which part of the page shows which slice, and what happens on an event. A client of the public API. */

import "./elements.js";
import { remove } from "./api.js";
import { carryOut } from "./dialogs.js";
import { byId, setText } from "./dom.js";
import * as figures from "./figures.js";
import { isUtc, useUtc } from "./format.js";
import * as halting from "./halting.js";
import * as header from "./header.js";
import * as latency from "./latency.js";
import * as link from "./link.js";
import * as listings from "./listings.js";
import { watchOrders } from "./orders.js";
import * as positions from "./positions.js";
import { learnRights } from "./rights.js";
import * as sales from "./sales.js";
import * as settings from "./settings.js";
import * as store from "./store.js";
import * as tables from "./tables.js";
import * as unplaced from "./unplaced.js";
import * as views from "./views.js";
import * as wellbeing from "./wellbeing.js";

/** @type {Record<string, (() => void)[]>} */
const SHOWN = {
  status: [header.showStatus, figures.showExposure, figures.showResults, figures.showOpen],
  health: [wellbeing.showHealth, positions.showPositions, unplaced.watchUnplaced, watchOrders],
  config: [settings.showConfig, positions.showPositions, halting.showSales],
  listings: [listings.showListings],
  trades: [listings.showListings, positions.showPositions, watchOrders],
  positions: [positions.showPositions, header.showTitle, figures.showOpen],
  upcoming: [listings.showUpcoming],
  stats: [wellbeing.showFirst],
  tradeStats: [figures.showResults, figures.showSpeed, latency.showLatency],
  results: [figures.showResults],
  monitor: [settings.showMonitor],
};
const VIEWS = ["now", "trades", "settings", "history"];

/** @param {string} kind @param {any} event @param {number} ago */
function take(kind, event, ago) {
  store.happened(kind, event, ago);
  if (kind === "trade") {
    positions.notify(event);
    sales.tellSale(event);
  }
  if (views.isBack(kind, event)) learnRights();
  views.happened(kind, event);
  header.showLink();
}

function showView() {
  const chosen = VIEWS.includes(location.hash.slice(1)) ? location.hash.slice(1) : "now";
  for (const view of VIEWS) {
    byId(`view-${view}`).hidden = view !== chosen;
    const tab = document.querySelector(`nav a[href="#${view}"]`);
    if (view === chosen) tab?.setAttribute("aria-current", "page");
    else tab?.removeAttribute("aria-current");
  }
  views.show(chosen);
}

/** @param {string} theme */
function useTheme(theme) {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
}

function switchTheme() {
  const dark = document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  useTheme(dark === "dark" ? "light" : "dark");
}

function showTimes() {
  setText(byId("times"), isUtc() ? "UTC" : "local");
  Object.values(SHOWN).flat().forEach((show) => show());
  showView();
}

function showNotifying() {
  byId("notify").setAttribute("aria-pressed", String(localStorage.getItem("notify") === "on"));
}

function wire() {
  [header, settings, tables, latency, halting, unplaced].forEach((part) => part.start());
  byId("theme").addEventListener("click", switchTheme);
  byId("times").addEventListener("click", () => {
    useUtc(!isUtc());
    showTimes();
  });
  byId("notify").addEventListener("click", () => positions.toggleNotifications().then(showNotifying));
  byId("sign-out").addEventListener("click", () =>
    carryOut(async () => {
      await remove("/session");
      location.assign("/sign-in");
      return "Signed out.";
    }),
  );
  byId("story-close").addEventListener("click", () => byId("story").close());
  for (const button of document.querySelectorAll("[data-choose-mode]")) {
    button.addEventListener("click", () => {
      figures.showMode(/** @type {any} */ (button).dataset.chooseMode);
      latency.showLatency();
    });
  }
  addEventListener("hashchange", showView);
  addEventListener("follow", (event) => listings.follow(/** @type {CustomEvent} */ (event).detail));
}

const theme = localStorage.getItem("theme");
if (theme) useTheme(theme);
wire();
showNotifying();
setText(byId("times"), isUtc() ? "UTC" : "local");
store.onChange((slice) => {
  document.body.classList.toggle("reading", !store.isRead());
  (SHOWN[slice] ?? []).forEach((show) => show());
  const troubles = Object.entries(store.troubles).map(([name, why]) => `${name}: ${why}`);
  byId("unreadable").hidden = troubles.length === 0;
  setText(byId("unreadable"), troubles.length ? `Not up to date: ${troubles.join(" · ")}` : "");
});
showView();
store.start();
learnRights();
link.connect(take);
setInterval(header.showLink, 1000);
// Whether an opening has passed is a matter of time alone.
setInterval(listings.showUpcoming, 2000);
