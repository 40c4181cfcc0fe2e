/**
 * The Commands page: choose targets, type a line, and a pane for each shows what it writes. The line works as in a shell: Enter runs
 * it, the arrows walk what was typed before, Tab completes.
 */

import { ApiError, sentence } from "app/api";
import { begunWith, common, hints } from "app/commands/hints";
import { outcome } from "app/commands/outcome";
import { Pane } from "app/commands/pane";
import { words } from "app/commands/words";
import { element, write } from "app/element";
import { onKeys } from "app/keys";
import { Recall } from "app/recall";
import { seldom } from "app/refresh";
import { visibleText } from "app/visible";

const MEMORY = "commands";
const SOON = 300; // milliseconds until the list shows what has ended

const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-order]"));
const input = /** @type {HTMLInputElement} */ (form.querySelector("[data-line]"));
const another = /** @type {HTMLInputElement} */ (form.querySelector("[data-another]"));
const mode = /** @type {HTMLElement | null} */ (form.querySelector("[data-mode]"));
const place = document.querySelector("[data-panes]");
const find = /** @type {HTMLInputElement} */ (document.querySelector("[data-find]"));
const allowed = JSON.parse(document.getElementById("allowed").textContent); // server -> {commands, shell}
const recall = new Recall(JSON.parse(sessionStorage.getItem(MEMORY) ?? "[]"));
const renewHistory = seldom("[data-past]", SOON);
/** @type {Map<string, Pane>} */
const panes = new Map();

function field(name) {
  return /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
}

/** @returns {{key: string, name: string, words: object}[]} where the next line runs */
function targets() {
  const chosen = choices().filter(({ checked }) => checked).map(({ value }) => ({ key: value, name: value, words: { server: value } }));
  if (!another.checked) return chosen;
  const [host, port, key] = ["host", "port", "key"].map((name) => field(name).value.trim());
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return [...chosen, { key: `${address} ${key}`, name: address, words: { host, port: Number(port) || port, key } }];
}

function choices() {
  return /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("[data-target-choice]")]);
}

function isShell() {
  return Boolean(mode) && !mode.hidden && field("mode").value === "shell";
}

/** Panes stand for the chosen servers, and for whatever has been run. */
function arrange() {
  const servers = targets().filter(({ words: { server } }) => server);
  for (const target of servers) pane(target);
  for (const [key, one] of panes) if (!one.isUsed && !servers.some((target) => target.key === key)) one.close();
  /** @type {HTMLElement} */ (form.querySelector("[data-another-fields]")).hidden = !another.checked;
  if (mode) mode.hidden = !another.checked && !servers.some(({ name }) => allowed[name]?.shell);
  form.classList.toggle("is-shell", isShell());
  write(form.querySelector("[data-prompt]"), isShell() ? "#" : "$");
  const warning = /** @type {HTMLElement} */ (form.querySelector("[data-shell-warning]"));
  if (warning) warning.hidden = !isShell();
  offer();
}

function pane(target) {
  if (!panes.has(target.key)) {
    const made = new Pane(target, { ended, closed, again });
    panes.set(target.key, made);
    place.append(made.root);
    made.open();
  }
  count();
  return panes.get(target.key);
}

function closed(one) {
  panes.delete(one.target.key);
  const choice = choices().find(({ value }) => value === one.target.key);
  if (choice) choice.checked = false;
  count();
}

function count() {
  place.classList.toggle("is-one", panes.size === 1);
  /** @type {HTMLElement} */ (document.querySelector("[data-finding]")).hidden = panes.size === 0;
}

function ended(one, command) {
  write(document.querySelector("[data-said]"), `${one.target.name}: ${outcome(command).words}`);
  renewHistory();
}

function again(line, wasShell, one) {
  order([one.target], line, wasShell);
}

/** Run a line on each of them; whether it is on its way. */
function order(wanted, line, asShell) {
  problem("");
  try {
    const request = asShell ? { shell: line } : { argv: words(line) };
    check(wanted, line);
    remember(line);
    pane(wanted[0]).reveal();
    for (const target of wanted) pane(target).run({ ...target.words, ...request }, line, asShell).catch(complain);
    return true;
  } catch (error) {
    problem(sentence(error));
    return false;
  }
}

function check(wanted, line) {
  const busy = wanted.filter((target) => panes.get(target.key)?.isBusy).map(({ name }) => name);
  if (!wanted.length) throw new Error("There is nowhere to run it: choose a server.");
  if (!line.trim()) throw new Error("There is nothing to run: type a command.");
  if (busy.length) throw new Error(`${busy.join(" and ")} still ${busy.length > 1 ? "run" : "runs"} the last line: wait for its end, or cancel it.`);
}

/** The pane has said it already; a field of the form says it, too. */
function complain(error) {
  const beside = error instanceof ApiError && error.field ? /** @type {HTMLElement} */ (form.querySelector(`[data-problem-for="${CSS.escape(error.field)}"]`)) : null;
  if (!beside) return;
  beside.hidden = false;
  write(beside, visibleText(error.message));
}

function problem(text) {
  for (const beside of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-problem-for]"))) beside.hidden = true;
  const here = /** @type {HTMLElement} */ (form.querySelector("[data-problem]"));
  here.hidden = !text;
  write(here, visibleText(text));
  input.toggleAttribute("aria-invalid", Boolean(text));
}

function remember(line) {
  recall.add(line);
  sessionStorage.setItem(MEMORY, JSON.stringify(recall.entries));
}

/** The address keeps the choice, so that it can be kept and handed on. */
function keep() {
  const query = new URLSearchParams(targets().map(({ words: { server } }) => ["server", server]).filter(([, server]) => server));
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
}

function known() {
  return common(targets().filter(({ name }) => allowed[name]).map(({ name }) => allowed[name].commands));
}

/** What may be typed next stands below the line. */
function offer() {
  const list = isShell() ? [] : hints(known(), input.value);
  const offers = /** @type {HTMLElement} */ (form.querySelector("[data-offers]"));
  offers.hidden = !list.length;
  offers.replaceChildren(...list.map((hint) => element("li", {}, chip(hint))));
  const begun = isShell() ? undefined : begunWith(known(), input.value);
  const usage = /** @type {HTMLElement} */ (form.querySelector("[data-usage]"));
  usage.hidden = !begun;
  if (begun) write(usage, visibleText([begun.id, ...begun.usage].join(" ") + (begun.explains ? `    ${begun.explains}` : "")));
}

function chip({ line, shown, explains }) {
  const made = element("button", { type: "button", class: "offer code", tabindex: "-1" }, visibleText(shown));
  if (explains) made.append(element("small", {}, visibleText(explains)));
  made.addEventListener("click", () => type(line));
  return made;
}

function type(line) {
  input.value = line;
  input.focus();
  offer();
}

function walk(event) {
  if (event.key === "Tab" && !event.shiftKey && !event.ctrlKey && !event.altKey && input.value.trim() && !/\s$/.test(input.value)) {
    const [first] = isShell() ? [] : hints(known(), input.value);
    if (!first) return;
    event.preventDefault();
    type(first.line);
  }
  const move = { ArrowUp: () => recall.back(input.value), ArrowDown: () => recall.forth() }[event.key];
  const text = move?.() ?? null;
  if (text === null) return;
  event.preventDefault();
  type(text);
}

function search(isBack) {
  const found = [...panes.values()].map((one) => one.screen.find(find.value, isBack)).filter(Boolean).length;
  write(document.querySelector("[data-found]"), find.value && !found ? "not found" : "");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (order(targets(), input.value, isShell())) type("");
});
form.addEventListener("change", (event) => {
  if (event.target === input) return;
  arrange();
  keep();
});
input.addEventListener("input", () => {
  problem("");
  offer();
});
input.addEventListener("keydown", walk);
find.addEventListener("input", () => search(false));
find.addEventListener("keydown", (event) => event.key === "Enter" && search(event.shiftKey));
document.querySelector("[data-find-next]").addEventListener("click", () => search(false));
document.querySelector("[data-find-back]").addEventListener("click", () => search(true));
onKeys("c", () => input.focus());
addEventListener("pagehide", () => panes.forEach((one) => one.session?.close()));
addEventListener("pageshow", (event) => event.persisted && location.reload()); // what ran was ended when it was left
arrange();
