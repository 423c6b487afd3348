/** Custom elements that change with time: the age of something, and the time until something. One beat moves them all. */

import { backendNow, exchangeNow } from "./clock.js";
import { setAttribute, setText } from "./dom.js";
import { clockFace, duration } from "./format.js";

/** @type {Set<{beat: () => void}>} */
const beating = new Set();

setInterval(() => beating.forEach((element) => element.beat()), 500);

class Beating extends HTMLElement {
  connectedCallback() {
    beating.add(this);
    this.beat();
  }

  disconnectedCallback() {
    beating.delete(this);
  }

  beat() {}
}

/** `<sn-age datetime="…">`: how long ago that was. */
class Age extends Beating {
  static observedAttributes = ["datetime"];

  attributeChangedCallback() {
    this.beat();
  }

  beat() {
    const since = this.getAttribute("datetime");
    setText(this, since ? `${duration((backendNow() - Date.parse(since)) / 1000)} ago` : "never");
  }
}

/** `<sn-countdown datetime="…">`: how long until then, by the exchange's clock. */
class Countdown extends Beating {
  static observedAttributes = ["datetime"];

  attributeChangedCallback() {
    this.beat();
  }

  beat() {
    const at = this.getAttribute("datetime");
    if (!at) return setText(this, "not known");
    const seconds = (Date.parse(at) - exchangeNow()) / 1000;
    setText(this, seconds > 0 ? clockFace(seconds) : `${duration(-seconds)} ago`);
    setAttribute(this, "data-near", seconds > 0 && seconds < 60 ? "" : null);
  }
}

customElements.define("sn-age", Age);
customElements.define("sn-countdown", Countdown);
