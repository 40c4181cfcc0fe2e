/**
 * A server's form: fields that the choices so far leave without a meaning are hidden, and the address is tried out while it is typed.
 */

import { write } from "app/element";
import { plainText } from "app/visible";

const PAUSE = 400; // milliseconds after the last key

/** @param {HTMLFormElement} form */
export function enable(form) {
  form.addEventListener("change", (event) => {
    if (event.target === form.elements.namedItem("kind")) transports(form, true);
    show(form);
  });
  transports(form, false);
  show(form);
  if (form.dataset.addressCheck) tryAddress(form);
  /** @type {HTMLElement} */ (form.querySelector("[data-trouble]"))?.focus();
}

function show(form) {
  for (const field of form.querySelectorAll("[data-field]")) {
    field.hidden = !conditions(field).every(({ other, allowed }) => allowed.includes(form.elements[other].value));
  }
  for (const group of form.querySelectorAll("[data-group]")) {
    group.hidden = [...group.querySelectorAll("[data-field]")].every((field) => field.hidden);
  }
}

/** Only the transports that the kind has can be chosen; a new kind begins with its usual one. */
function transports(form, isNew) {
  const allowed = form.dataset[`transports${form.elements.kind.value.replace(/(^|-)(\w)/g, (_all, _dash, letter) => letter.toUpperCase())}`]?.split(" ");
  if (!allowed) return;
  for (const option of form.elements.transport.options) option.hidden = option.disabled = !allowed.includes(option.value);
  if (isNew || !allowed.includes(form.elements.transport.value)) form.elements.transport.value = allowed[0];
}

function conditions(field) {
  return Object.entries(field.dataset)
    .filter(([name]) => name.startsWith("when-") || /^when\d/.test(name))
    .map(([, text]) => ({ other: text.split("=")[0], allowed: text.slice(text.indexOf("=") + 1).split(" ") }));
}

/** Say beside the port when somebody else holds it. */
function tryAddress(form) {
  let timer;
  let asked = 0;
  const ask = async () => {
    const mine = ++asked;
    const query = new URLSearchParams(/** @type {any} */ (new FormData(form)));
    query.delete("csrfmiddlewaretoken");
    const answer = await fetch(`${form.dataset.addressCheck}?${query}`).catch(() => null);
    const told = answer?.ok && !answer.redirected ? await answer.json() : { warning: null };
    if (mine !== asked) return;
    const isPath = form.elements.transport.value.startsWith("unix");
    warn(form, isPath ? "host" : "port", told.warning);
    warn(form, isPath ? "port" : "host", null);
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  if (form.elements.port.value) ask();
}

function warn(form, name, sentence) {
  const place = form.querySelector(`[data-field=${name}] [data-warning]`);
  place.hidden = !sentence;
  write(place.querySelector("span"), plainText(sentence ?? ""));
}
