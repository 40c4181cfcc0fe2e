/**
 * Start, stop and restart without leaving the page: the forms that do it alone are taken over, by way of the API.
 */

import { ApiError, call } from "app/api";
import { isExplained } from "app/standing";
import { toast } from "app/toast";

const SOON = 500; // milliseconds within which a reason that the page shows has come
const DONE = { start: "is running", stop: "is stopped", restart: "is running anew" };

/** Take over every form with data-verb on the page, also those that come later. */
export function enable() {
  document.addEventListener("submit", async (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (!form.dataset.verb) return;
    event.preventDefault();
    form.closest("details")?.removeAttribute("open");
    const button = form.querySelector("button");
    button.disabled = true;
    button.classList.add("is-busy");
    await ask(form.dataset.verb, form.dataset.name);
    button.disabled = false;
    button.classList.remove("is-busy");
  });
}

/**
 * Ask it of one server and say what came of it.
 * @returns {Promise<boolean>} whether it worked
 */
export async function ask(verb, name, quiet = false) {
  try {
    const { status, body } = await call("POST", `/servers/${encodeURIComponent(name)}/${verb}`);
    if (status === 202) toast(`${name} is still on its way: its state shows when it is there.`, "warning");
    else if (!quiet) toast(`${name} ${DONE[verb]}${verb === "stop" ? "" : ` on ${body.address}`}.`);
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    setTimeout(() => complain(name, error.message), SOON);
    return false;
  }
}

/** Say it, unless the server's row or head says it already. */
function complain(name, message) {
  if (!isExplained(name, message)) toast(message.includes(name) ? message : `${name}: ${message}`, "error");
}
