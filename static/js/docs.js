/**
 * The page that tries the API: each form sends one request with the session and shows the answer as it came.
 */

import { write } from "app/element";

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-method]"))) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(form);
  });
}

/** @param {HTMLFormElement} form */
async function ask(form) {
  const answer = /** @type {HTMLElement} */ (form.parentElement.querySelector("[data-answer]"));
  const { method, path } = form.dataset;
  const body = /** @type {HTMLTextAreaElement} */ (form.querySelector("textarea"))?.value;
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = /** @type {HTMLMetaElement} */ (document.querySelector("meta[name=csrf-token]")).content;
  if (body) headers["Content-Type"] = "application/json";
  answer.hidden = false;
  write(answer, "...");
  try {
    const began = performance.now();
    const response = await fetch(address(form, path), { method, headers, body: body || undefined });
    const text = await response.text();
    write(answer, `${response.status} ${response.statusText} · ${Math.round(performance.now() - began)} ms\n\n${pretty(text)}`);
  } catch {
    write(answer, "The panel does not answer: look whether it still runs.");
  }
}

/** The path with what was filled in. */
function address(form, path) {
  const query = new URLSearchParams();
  let filled = path;
  for (const input of form.querySelectorAll("[data-place]")) {
    if (input.dataset.place === "path") filled = filled.replace(`{${input.name}}`, encodeURIComponent(input.value));
    else if (input.value) query.set(input.name, input.value);
  }
  return query.size ? `${filled}?${query}` : filled;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
