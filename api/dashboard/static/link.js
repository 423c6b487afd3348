/** The link to the backend: events as they happen, and whether anything is heard at all. */

/** @typedef {(kind: string, data: any) => void} Listener */

export const SILENCE_SECONDS = 15;
const WORKER = "/dashboard/stream-worker.js";
const KINDS = ["listing", "trade", "position", "halt", "config", "health", "status", "held", "hello", "reset", "database", "heartbeat"];

let heardAt = performance.now();
let open = false;

/** Seconds since anything was heard. */
export const silentSeconds = () => (performance.now() - heardAt) / 1000;

/** `live`, `lost` (tried again), or `silent` for so long that nothing shown can be trusted. */
export function state() {
  if (silentSeconds() > SILENCE_SECONDS) return "silent";
  return open ? "live" : "lost";
}

/** Hand every event to *listen*, from the worker that all tabs share, or from a stream of this page's own. */
export function connect(/** @type {Listener} */ listen) {
  /** @param {{kind: string, data?: string}} message */
  const take = (message) => {
    open = message.kind !== "lost";
    if (open) heardAt = performance.now();
    listen(message.kind, message.data ? JSON.parse(message.data) : null);
  };
  if ("SharedWorker" in window) connectShared(take);
  else connectAlone(take);
}

/** @param {(message: {kind: string, data?: string}) => void} take */
function connectShared(take) {
  /** @type {any} */
  const types = /** @type {any} */ (window).trustedTypes;
  const url = types ? types.createPolicy("stream", { createScriptURL: () => WORKER }).createScriptURL("") : WORKER;
  const worker = new SharedWorker(url, { name: "stream" });
  worker.port.onmessage = (event) => take(event.data);
  worker.port.start();
  addEventListener("pagehide", () => worker.port.postMessage("leave"));
  // A page that the browser kept, and shows again.
  addEventListener("pageshow", (event) => event.persisted && worker.port.postMessage("return"));
}

/** @param {(message: {kind: string, data?: string}) => void} take */
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
