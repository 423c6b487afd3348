/** The backend's clock and the exchange's, on the browser's monotonic one: a wrong clock here shows no wrong age. */

let backend = Date.now() - performance.now();
let backendHasSpoken = false;
/** @type {number | null} */
let exchange = null;

/** Take note of the backend's time, which was *ago* ms ago. @param {string} now @param {number} [ago] */
export function backendSays(now, ago = 0) {
  backend = Date.parse(now) + ago - performance.now();
  backendHasSpoken = true;
}

/** Take note of the exchange's time, which was *ago* ms ago; null while nobody knows it. @param {string | null} now @param {number} [ago] */
export function exchangeSays(now, ago = 0) {
  exchange = now === null ? null : Date.parse(now) + ago - performance.now();
}

/** Whether the backend's time is known: until it is, this browser's stands in for it, which may be wrong. */
export const backendIsKnown = () => backendHasSpoken;

/** Now by the backend's clock, in ms since 1970. */
export const backendNow = () => backend + performance.now();

/** Now by the exchange's clock, or the backend's while that is unknown. */
export const exchangeNow = () => (exchange ?? backend) + performance.now();

export const exchangeIsKnown = () => exchange !== null;
