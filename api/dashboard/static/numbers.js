/** Numbers as people type them, and what is wrong with those that are none. */

/** @typedef {{min?: number, max?: number, optional?: boolean}} Bounds */

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)$/;

/** What is wrong with *text*; empty where nothing is. Nothing but a plain number is taken for one. @param {string} text @param {Bounds} bounds */
export function complaint(text, { min, max, optional }) {
  if (text === "") return optional ? "" : "must be a number";
  if (!NUMBER.test(text)) return "must be a number alone, as in 12.5";
  const number = Number(text);
  if (min !== undefined && number < min) return `must be ${min} or more`;
  return max !== undefined && number > max ? `must be ${max} or less` : "";
}
