/** Who is signed in: whoever may only view sees every control, and why it is off. */

import { get } from "./api.js";
import { byId, setAttribute, setText } from "./dom.js";

/** Ask who we are, and switch off what we may not do. */
export async function learnRights() {
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
