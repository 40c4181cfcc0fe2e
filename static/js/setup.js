/**
 * The set-up page: takes the token from the link's fragment, which no server and no log has seen, into the form.
 */

const token = new URLSearchParams(location.hash.slice(1)).get("token");
const field = document.querySelector("[data-token-field]");
const input = /** @type {HTMLInputElement | null} */ (field?.querySelector("input"));

if (input && token) {
  input.value = token;
  history.replaceState(null, "", location.pathname);
}
if (field instanceof HTMLElement && input?.value && !input.hasAttribute("aria-invalid")) field.hidden = true;
