/** The link to the backend: events as they happen, and whether anything is heard at all. */

/** @typedef {(kind: string, data: any, ago: number) => void} Listener `ago`: the ms since the backend said so. */

export const SILENCE_SECONDS = 15;
const WORKER = "/dashboard/stream-worker.js";
const PING_MS = 5000;
const KINDS = ["listing", "trade", "position", "halt", "config", "health", "status", "held", "upcoming", "listing_stats", "trade_stats", "results", "monitor", "hello", "reset", "database", "heartbeat"];

let heardAt = performance.now();
let open = false;
/** What Trusted Types let us load the worker by. @type {any} */
let policy = null;
/** Since when the backend says that its database is away; null while it is there. @type {number | null} */
let awaySince = null;

/** Seconds since anything was heard. */
export const silentSeconds = () => (performance.now() - heardAt) / 1000;

/** Seconds for which the database has been away, as the backend says; 0 while it is there. */
export const awaySeconds = () => (awaySince === null ? 0 : (performance.now() - awaySince) / 1000);

/** `live`, `lost` (tried again), or nothing shown can be trusted: `silent` for long, or without its database, `away`. */
export function state() {
  if (silentSeconds() > SILENCE_SECONDS) return "silent";
  if (!open) return "lost";
  return awaySince === null ? "live" : "away";
}

/** @param {string} kind @param {any} data */
function noteDatabase(kind, data) {
  const reachable = kind === "database" ? data.reachable : kind === "heartbeat" ? data.database : null;
  if (reachable === true) awaySince = null;
  else if (reachable === false) awaySince ??= performance.now();
}

/** @typedef {{kind: string, data?: string, ago?: number}} Message `ago`: the ms since the backend said so. */

/** Hand every event to *listen*, from the worker that all tabs share, or from a stream of this page's own. */
export function connect(/** @type {Listener} */ listen) {
  /** @param {Message} message */
  const take = (message) => {
    open = message.kind !== "lost";
    if (open) heardAt = Math.max(heardAt, performance.now() - (message.ago ?? 0));
    const data = message.data ? JSON.parse(message.data) : null;
    noteDatabase(message.kind, data);
    listen(message.kind, data, message.ago ?? 0);
  };
  if ("SharedWorker" in window) connectShared(take);
  else connectAlone(take);
}

/** @param {(message: Message) => void} take */
function connectShared(take) {
  let answered = true;
  /** @param {MessageEvent} event */
  const hear = (event) => {
    answered = true;
    if (event.data.kind !== "pong") take(event.data);
  };
  let port = joinWorker(hear);
  // A worker may end beneath its pages, or end just as one joins it. Nobody is told; but it does not answer then.
  setInterval(() => {
    if (!answered) {
      port.postMessage("leave");
      port.onmessage = null;
      port = joinWorker(hear);
    }
    answered = false;
    port.postMessage("ping");
  }, PING_MS);
  addEventListener("pagehide", () => port.postMessage("leave"));
  // A page that the browser kept, and shows again.
  addEventListener("pageshow", (event) => event.persisted && port.postMessage("return"));
}

/** @param {(event: MessageEvent) => void} hear */
function joinWorker(hear) {
  /** @type {any} */
  const types = /** @type {any} */ (window).trustedTypes;
  policy ??= types?.createPolicy("stream", { createScriptURL: () => WORKER }) ?? null;
  const worker = new SharedWorker(policy ? policy.createScriptURL("") : WORKER, { name: "stream" });
  worker.port.onmessage = hear;
  worker.port.start();
  return worker.port;
}

/** @param {(message: Message) => void} take */
function connectAlone(take) {
  const source = new EventSource("/events");
  source.onopen = () => take({ kind: "open" });
  source.onerror = () => {
    take({ kind: "lost" });
    if (source.readyState === EventSource.CLOSED) setTimeout(() => connectAlone(take), 2000);
  };
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => take({ kind, data: /** @type {MessageEvent} */ (event).data }));
  }
}
