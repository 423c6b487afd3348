/** Charts as SVG, with axes, units, values on hover or focus, and a text alternative. */

import { el, replace, svg } from "./dom.js";

const WIDTH = 360;
const LEFT = 44;
const BOTTOM = 18;
/** Half a label has room beside the last bar. */
const RIGHT = 14;

/**
 * @typedef {{label: string, value: number, title: string, below?: boolean}} Bar
 * @typedef {{name: string, unit: string, height?: number, format: (value: number) => string, empty: string}} Shape
 */

/** Draw bars around a line of zero into *place*. @param {Element} place @param {Bar[]} bars @param {Shape} shape */
export function drawBars(place, bars, shape) {
  if (!bars.length) return replace(place, el("p", { class: "empty" }, shape.empty));
  const height = shape.height ?? 110;
  const top = Math.max(0, ...bars.map((bar) => bar.value));
  const bottom = Math.min(0, ...bars.map((bar) => bar.value));
  const span = top - bottom || 1;
  /** @param {number} value */
  const y = (value) => 6 + ((top - value) / span) * (height - BOTTOM - 6);
  const step = (WIDTH - RIGHT - LEFT) / bars.length;
  const marks = bars.map((bar, number) => {
    const x = LEFT + number * step + step * 0.12;
    const [from, to] = bar.value >= 0 ? [y(bar.value), y(0)] : [y(0), y(bar.value)];
    const size = { x, y: from, width: Math.max(1, step * 0.76), height: Math.max(1, to - from), rx: 1 };
    return svg("rect", { ...size, class: bar.value < 0 ? "bar below" : "bar" }, svg("title", {}, bar.title));
  });
  const figure = svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": describe(bars, shape), class: "chart" },
    axis(top, y, shape),
    bottom < 0 && axis(bottom, y, shape),
    svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(0), y2: y(0), class: "zero" }),
    marks,
    labels(bars, step, height),
  );
  replace(place, figure);
}

/** @typedef {{label: string, low: number, high: number, title: string}} Range */

/** Draw ranges from zero, of which the lower part stands out, into *place*. @param {Element} place @param {Range[]} ranges @param {Shape} shape */
export function drawRanges(place, ranges, shape) {
  drawBars(place, ranges.map(({ label, high, title }) => ({ label, value: high, title })), shape);
  const figure = place.querySelector("svg");
  if (!figure) return;
  figure.setAttribute("aria-label", `${shape.name}. ${ranges.map((each) => each.title).join("; ")}`);
  const whole = [...figure.querySelectorAll(".bar")];
  ranges.forEach(({ low, high, title }, number) => {
    const bar = whole[number];
    bar.classList.add("rest");
    const [y, height] = [Number(bar.getAttribute("y")), Number(bar.getAttribute("height"))];
    if (!high) return;
    const part = (height * low) / high;
    const size = { x: bar.getAttribute("x"), y: y + height - part, width: bar.getAttribute("width"), height: part, rx: 1 };
    bar.after(svg("rect", { ...size, class: "part" }, svg("title", {}, title)));
  });
}

/** @param {number} value @param {(value: number) => number} y @param {Shape} shape */
function axis(value, y, shape) {
  return svg(
    "g",
    {},
    svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), class: "grid" }),
    svg("text", { x: LEFT - 5, y: y(value) + 3.5, class: "tick", "text-anchor": "end" }, shape.format(value)),
  );
}

/** As many labels as fit. @param {Bar[]} bars @param {number} step @param {number} height */
function labels(bars, step, height) {
  const every = Math.ceil(44 / step);
  return bars
    .map((bar, number) => ({ bar, number }))
    .filter(({ number }) => number % every === 0)
    .map(({ bar, number }) =>
      svg("text", { x: LEFT + (number + 0.5) * step, y: height - 4, class: "tick", "text-anchor": "middle" }, bar.label),
    );
}

/** @param {Bar[]} bars @param {Shape} shape */
function describe(bars, shape) {
  const values = bars.map((bar) => `${bar.label}: ${shape.format(bar.value)}`).join("; ");
  return `${shape.name}, in ${shape.unit}. ${values}`;
}

/** Draw how full something is: a share from 0 to 1 and more. @param {number} share @param {string} label */
export function meter(share, label) {
  const full = Math.max(0, Math.min(1, share));
  return svg(
    "svg",
    { viewBox: "0 0 100 4", class: share > 0.9 ? "meter high" : "meter", role: "img", "aria-label": label, preserveAspectRatio: "none" },
    svg("rect", { x: 0, y: 0, width: 100, height: 4, class: "meter-rest" }),
    svg("rect", { x: 0, y: 0, width: full * 100, height: 4, class: "meter-part" }),
  );
}
