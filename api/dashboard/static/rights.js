/** Who is signed in: whoever may only view sees every control, and why it is off. */

import { get } from "./api.js";
import { byId, setAttribute, setText } from "./dom.js";

/** The asking that is under way or has come to an end; null where it has to be done again. @type {Promise<void> | null} */
let asking = null;
/** Whether it was to be done while it was under way: what came back meanwhile may not have been there for it. */
let again = false;

/** Ask who we are, once, and switch off what we may not do; until it is known the API refuses by itself what is not allowed. */
export function learnRights() {
  again = asking !== null;
  asking ??= learn().catch(() => {
    asking = null;
    if (again) learnRights();
  });
}

async function learn() {
  const { name, scope } = await get("/session");
  if (scope === "operate") return;
  const why = `The token “${name}” may only view. To change anything, sign in with one that may operate.`;
  setText(byId("view-only"), why);
  byId("view-only").hidden = false;
  for (const controls of document.querySelectorAll("fieldset[data-operate]")) {
    /** @type {HTMLFieldSetElement} */ (controls).disabled = true;
    setAttribute(controls, "title", why);
  }
}
