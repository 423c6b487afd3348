/** The public REST API, as this page uses it: one way in and out for every write. */

import { backendSays } from "./clock.js";

const READ_MS_MAX = 20_000;

/** A refusal in the API's own words. */
export class Refused extends Error {
  /** @param {number} status @param {{code?: string, message?: string, details?: any}} problem */
  constructor(status, problem) {
    super(problem.message ?? `the API answers ${status}`);
    this.status = status;
    this.code = problem.code ?? "";
    this.details = problem.details ?? {};
  }
}

/**
 * Ask for *path*; throw Refused, or TypeError while nothing answers.
 * @param {string} method @param {string} path @param {{body?: any, headers?: Record<string, string>}} [more]
 */
async function ask(method, path, more = {}) {
  const headers = { Accept: "application/json", ...more.headers };
  if (more.body !== undefined) Object.assign(headers, { "Content-Type": "application/json" });
  const body = more.body === undefined ? undefined : JSON.stringify(more.body);
  // A write is waited for, however long it takes: given up, nobody would know what became of it.
  const signal = method === "GET" ? AbortSignal.timeout(READ_MS_MAX) : undefined;
  const response = await fetch(path, { method, headers, body, signal, credentials: "same-origin", cache: "no-store" });
  const text = await response.text();
  const answer = text && response.headers.get("Content-Type")?.includes("json") ? JSON.parse(text) : {};
  if (response.status === 401) location.assign("/sign-in");
  if (!response.ok) throw new Refused(response.status, answer);
  if (answer.now) backendSays(answer.now);
  return { answer, etag: response.headers.get("ETag") };
}

/** @param {string} path @returns {Promise<any>} */
export const get = async (path) => (await ask("GET", path)).answer;

/** @param {string} path @returns {Promise<{answer: any, etag: string | null}>} */
export const getTagged = (path) => ask("GET", path);

/** @param {string} path @param {any} body @returns {Promise<any>} */
export const post = async (path, body = {}) => (await ask("POST", path, { body })).answer;

/** @param {string} path @param {any} body @param {string} etag @returns {Promise<{answer: any, etag: string | null}>} */
export const putTagged = (path, body, etag) => ask("PUT", path, { body, headers: { "If-Match": etag } });

/** @param {string} path @param {any} body @returns {Promise<any>} */
export const patch = async (path, body) => (await ask("PATCH", path, { body })).answer;

/** @param {string} path */
export const remove = (path) => ask("DELETE", path);
