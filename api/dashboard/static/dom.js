/** Build and update elements without markup in strings: the page runs under Trusted Types. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Record<string, any>} Attributes `on` holds listeners, `class` classes, `data` data attributes; the rest are
 *   attributes, of which `true` is an empty one and `false` or null is none.
 */

/** @param {Element} node @param {Attributes} attributes */
function dress(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (name === "data") Object.assign(/** @type {HTMLElement} */ (node).dataset, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
}

/** @param {Element} node @param {Child[]} children */
function fill(node, children) {
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) node.append(/** @type {any} */ (child));
  }
}

/**
 * Make an HTML element.
 * @param {string} tag @param {Attributes} [attributes] @param {...(Child | Child[])} children
 * @returns {any}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  dress(node, attributes);
  fill(node, /** @type {Child[]} */ (children));
  return node;
}

/**
 * Make an SVG element.
 * @param {string} tag @param {Attributes} [attributes] @param {...(Child | Child[])} children
 * @returns {any}
 */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  dress(node, attributes);
  fill(node, /** @type {Child[]} */ (children));
  return node;
}

/** Write *text* into *node* unless it stands there: what did not change is not announced again. */
export function setText(/** @type {Element} */ node, /** @type {string} */ text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {Element} node @param {string} name @param {string | null} value */
export function setAttribute(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** Replace what *node* holds. @param {Element} node @param {...(Child | Child[])} children */
export function replace(node, ...children) {
  node.replaceChildren();
  fill(node, /** @type {Child[]} */ (children));
}

/**
 * Make the children of *parent* those of *items*, in their order. A child stays while its key does, so that focus,
 * selection and open editors stay, too.
 * @template T
 * @param {Element} parent @param {T[]} items @param {(item: T) => string} keyOf
 * @param {(item: T) => Element & {refresh?: (item: T) => void}} create
 */
export function syncList(parent, items, keyOf, create) {
  /** @type {Map<string, any>} */
  const known = new Map([...parent.children].map((child) => [/** @type {any} */ (child).key, child]));
  /** @type {Element | null} */
  let before = null;
  for (const item of items) {
    const key = keyOf(item);
    const child = known.get(key) ?? create(item);
    known.delete(key);
    child.key = key;
    child.refresh?.(item);
    const place = before ? before.nextElementSibling : parent.firstElementChild;
    if (place !== child) parent.insertBefore(child, place);
    before = child;
  }
  for (const child of known.values()) child.remove();
}

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);
