/** Numbers, times and durations as people read them. */

/** @typedef {string | number | null | undefined} Numeric */

const preferences = { utc: localStorage.getItem("times") !== "local" };

/** Show times in UTC or in the zone of the browser, and remember it. */
export function useUtc(/** @type {boolean} */ utc) {
  preferences.utc = utc;
  localStorage.setItem("times", utc ? "utc" : "local");
}

export const isUtc = () => preferences.utc;

/** @param {Numeric} value @param {number} [digits] */
export function money(value, digits = 2) {
  if (value === null || value === undefined || value === "") return "–";
  const number = Number(value);
  return number.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A gain with its sign; a true minus, so that columns align. @param {Numeric} value */
export function gain(value) {
  if (value === null || value === undefined || value === "") return "–";
  const number = Number(value);
  const sign = number > 0 ? "+" : number < 0 ? "−" : "";
  return sign + money(Math.abs(number));
}

/** @param {Numeric} value */
export const percent = (value) =>
  value === null || value === undefined || value === "" ? "–" : `${gain(value)} %`;

/** A price with the digits that matter, never in scientific notation. @param {Numeric} value */
export function price(value) {
  if (value === null || value === undefined || value === "") return "–";
  const number = Number(value);
  if (!number) return "0";
  const digits = Math.max(0, Math.min(12, 4 - Math.floor(Math.log10(Math.abs(number)))));
  return number.toLocaleString("en-US", { maximumFractionDigits: digits, useGrouping: false });
}

/** @param {number | null | undefined} ms */
export function milliseconds(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 0) return `−${milliseconds(-ms)}`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : duration(ms / 1000);
}

/** A time since a moment of another clock, which may be behind, with its sign. @param {number} ms */
export const signedMilliseconds = (ms) => `${ms < 0 ? "" : "+"}${milliseconds(ms)}`;

/** The two largest units. @param {number} seconds */
export function duration(seconds) {
  const total = Math.max(0, Math.round(seconds));
  if (total < 60) return `${total} s`;
  if (total < 3600) return `${Math.floor(total / 60)} min ${String(total % 60).padStart(2, "0")} s`;
  if (total < 86_400) return `${Math.floor(total / 3600)} h ${String(Math.floor((total % 3600) / 60)).padStart(2, "0")} min`;
  return `${Math.floor(total / 86_400)} d ${Math.floor((total % 86_400) / 3600)} h`;
}

/** Hours, minutes and seconds of a countdown. @param {number} seconds */
export function clockFace(seconds) {
  const total = Math.max(0, Math.ceil(seconds));
  const parts = [Math.floor(total / 3600), Math.floor((total % 3600) / 60), total % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

/** @param {string | null | undefined} iso @param {{date?: boolean, millis?: boolean}} [how] */
export function moment(iso, how = {}) {
  if (!iso) return "–";
  const at = new Date(iso);
  /** @type {Intl.DateTimeFormatOptions} */
  const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  if (how.date) Object.assign(options, { month: "short", day: "2-digit" });
  if (how.millis) options.fractionalSecondDigits = 3;
  if (preferences.utc) options.timeZone = "UTC";
  return at.toLocaleString("en-GB", options);
}

/** *text* as a sentence. @param {string} text */
export const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** Words for a code: `stop_loss` is "stop loss". @param {string | null | undefined} code */
export const words = (code) => (code ?? "").replaceAll("_", " ").replace("mexc ", "");
