/**
 * The password again, in a dialog, where the panel wants it before it does something. What was asked for is repeated afterwards.
 */

import { call, sentence } from "app/api";
import { element, write } from "app/element";

/** @type {Promise<boolean> | null} */
let asking = null;

/**
 * Whether the person gave the password; false when the dialog was left. One dialog, however many ask.
 * @param {string} why the panel's sentence, which says what is about to be done
 */
export function confirmed(why) {
  asking ??= ask(why).finally(() => {
    asking = null;
  });
  return asking;
}

async function ask(why) {
  const { dialog, form, input, problem } = build(why);
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

function build(why) {
  const input = /** @type {HTMLInputElement} */ (
    element("input", { class: "form-control", type: "password", id: "confirming", required: "", autocomplete: "current-password", "aria-describedby": "confirming-problem" })
  );
  const problem = element("p", { class: "field-problem", id: "confirming-problem", role: "alert", hidden: "" });
  const leave = element("button", { type: "button", class: "btn" }, "Leave it");
  const form = element(
    "form",
    {},
    element("h2", { id: "confirming-title" }, "Your password, please"),
    element("p", { id: "confirming-why" }, `${why} Then it is not asked for 5 minutes.`),
    element("label", { class: "form-label", for: "confirming" }, "Password"),
    input,
    problem,
    element("div", { class: "sheet-end" }, leave, element("button", { type: "submit", class: "btn btn-primary" }, "Go on")),
  );
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", { class: "sheet confirming", "aria-labelledby": "confirming-title", "aria-describedby": "confirming-why" }, form));
  leave.addEventListener("click", () => dialog.close());
  return { dialog, form, input, problem };
}
