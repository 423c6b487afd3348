/** The backend's clock and the exchange's, on the browser's monotonic one: a wrong clock here shows no wrong age. */

let backend = Date.now() - performance.now();
/** @type {number | null} */
let exchange = null;

/** Take note of the backend's time. @param {string} now */
export function backendSays(now) {
  backend = Date.parse(now) - performance.now();
}

/** Take note of the exchange's time; null while nobody knows it. @param {string | null} now */
export function exchangeSays(now) {
  exchange = now === null ? null : Date.parse(now) - performance.now();
}

/** Now by the backend's clock, in ms since 1970. */
export const backendNow = () => backend + performance.now();

/** Now by the exchange's clock, or the backend's while that is unknown. */
export const exchangeNow = () => (exchange ?? backend) + performance.now();

export const exchangeIsKnown = () => exchange !== null;
