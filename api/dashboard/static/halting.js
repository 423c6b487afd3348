/** Whether anything is sold: sales that run, that are halted, and everything being sold. */

import { post } from "./api.js";
import { ask, field } from "./dialogs.js";
import { byId, setText } from "./dom.js";
import { data, refresh } from "./store.js";

/** Show what becomes of sales. */
export function showSales() {
  const { config } = data;
  if (!config) return;
  setText(byId("sales"), config.exits_halted ? "halted" : config.selling_all ? "selling everything" : "on");
  byId("halt-sales").hidden = config.exits_halted;
}

/** Wire the button. */
export function start() {
  byId("halt-sales").addEventListener("click", () =>
    ask({
      title: "Halt sales, too?",
      text: "Nothing is bought and nothing is sold until somebody resumes: no stop, no target, whatever the price does.",
      action: "Halt everything",
      danger: true,
      fields: [field("Why", { name: "reason", maxlength: 200 })],
      act: async (form) => {
        await post("/halt", { exits: true, reason: String(form.get("reason") ?? "") || "halted on the dashboard" });
        refresh(["status", "config"]);
        return "Purchases and sales are halted.";
      },
    }),
  );
}
