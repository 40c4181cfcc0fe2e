/**
 * The password again, in a dialog, where the panel wants it before it does something. What was asked for is repeated afterwards.
 */

import { call, sentence } from "app/api";
import { element, write } from "app/element";

/** @type {Promise<boolean> | null} */
let asking = null;

/** Whether the person gave the password; false when the dialog was left. One dialog, however many ask. */
export function confirmed() {
  asking ??= ask().finally(() => {
    asking = null;
  });
  return asking;
}

async function ask() {
  const { dialog, form, input, problem } = build();
  document.body.append(dialog);
  dialog.showModal();
  const given = await new Promise((resolve) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (await accepted(input, problem)) resolve(true);
    });
    dialog.addEventListener("close", () => resolve(false));
  });
  dialog.remove();
  return given;
}

async function accepted(input, problem) {
  try {
    await call("POST", "/confirm", { password: input.value });
    return true;
  } catch (error) {
    problem.hidden = false;
    write(problem, sentence(error));
    input.setAttribute("aria-invalid", "true");
    input.select();
    return false;
  }
}

function build() {
  const input = /** @type {HTMLInputElement} */ (
    element("input", { class: "form-control", type: "password", id: "confirming", required: "", autocomplete: "current-password", "aria-describedby": "confirming-problem" })
  );
  const problem = element("p", { class: "field-problem", id: "confirming-problem", role: "alert", hidden: "" });
  const leave = element("button", { type: "button", class: "btn" }, "Leave it");
  const form = element(
    "form",
    {},
    element("h2", { id: "confirming-title" }, "Your password, please"),
    element("p", {}, "What you are about to do needs it again. Then it is not asked for 5 minutes."),
    element("label", { class: "form-label", for: "confirming" }, "Password"),
    input,
    problem,
    element("div", { class: "sheet-end" }, leave, element("button", { type: "submit", class: "btn btn-primary" }, "Go on")),
  );
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", { class: "sheet confirming", "aria-labelledby": "confirming-title" }, form));
  leave.addEventListener("click", () => dialog.close());
  return { dialog, form, input, problem };
}
