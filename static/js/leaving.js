/**
 * Whether a form of this page is on its way: then its answer leads on, and nothing else may lead anywhere. It knows no form.
 */

let isLeaving = false;

addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!event.defaultPrevented && form.getAttribute("method") !== "dialog") isLeaving = true;
});

/** Load this page anew, unless a form leads elsewhere. */
export function reload() {
  if (!isLeaving) location.reload();
}

/** Go to another page, unless a form leads elsewhere. */
export function go(address) {
  if (!isLeaving) location.assign(address);
}
