/**
 * The Keys page: a key that is made here needs no public one pasted.
 */

const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-key-form]"));

function show() {
  const how = /** @type {HTMLInputElement | null} */ (form.elements.namedItem("how"))?.value;
  const pasted = /** @type {HTMLElement | null} */ (form.querySelector("[data-key-field=public]"));
  if (pasted) pasted.hidden = how === "generate";
}

document.querySelector("[data-made]")?.scrollIntoView();
form.addEventListener("change", show);
show();
