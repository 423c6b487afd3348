/** The one stream of all tabs: a browser has six connections for a host, and twelve tabs share this one. */

/** @type {Set<MessagePort>} */
const ports = new Set();
/** @type {EventSource | null} */
let source = null;
const KINDS = ["listing", "trade", "position", "halt", "config", "health", "status", "held", "upcoming", "listing_stats", "trade_stats", "results", "monitor", "hello", "reset", "database", "heartbeat"];
/** Of these the last is the truth, and a tab that joins later gets it at once. */
const STATES = new Set(["health", "status", "held", "upcoming", "listing_stats", "trade_stats", "results", "monitor", "database"]);
const SILENCE_MS = 15_000;
let heardAt = 0;
/** Each with when it came. @type {Map<string, {message: any, at: number}>} */
const latest = new Map();

/** @param {any} message */
function tellAll(message) {
  if (STATES.has(message.kind)) latest.set(message.kind, { message, at: performance.now() });
  for (const port of ports) port.postMessage(message);
}

function open() {
  heardAt = performance.now();
  source = new EventSource("/events");
  source.onopen = () => hear({ kind: "open" });
  source.onerror = () => {
    tellAll({ kind: "lost" });
    // A closed source does not try again by itself: the backend refused it, or is starting.
    if (source?.readyState === EventSource.CLOSED) setTimeout(open, 2000);
  };
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => hear({ kind, data: /** @type {MessageEvent} */ (event).data }));
  }
}

/** @param {any} message */
function hear(message) {
  heardAt = performance.now();
  tellAll(message);
}

// A connection that died without a word, as after a sleep of the machine, is never reported: heartbeats stay away.
setInterval(() => {
  if (source?.readyState !== EventSource.OPEN || performance.now() - heardAt < SILENCE_MS) return;
  source.close();
  tellAll({ kind: "lost" });
  open();
}, 1000);

/** @param {MessagePort} port */
function join(port) {
  port.onmessage = (event) => {
    if (event.data === "ping") port.postMessage({ kind: "pong" });
    else if (event.data === "leave") ports.delete(port);
    else greet(port);
  };
  greet(port);
}

/** Let *port* hear what the others hear, and before it how things stand. @param {MessagePort} port */
function greet(port) {
  ports.add(port);
  if (source === null) open();
  else if (source.readyState === EventSource.OPEN) {
    const now = performance.now();
    port.postMessage({ kind: "open", ago: now - heardAt });
    for (const { message, at } of latest.values()) port.postMessage({ ...message, ago: now - at });
  }
}

/** @type {any} */ (self).onconnect = (/** @type {MessageEvent} */ event) => join(event.ports[0]);
