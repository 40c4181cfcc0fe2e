/**
 * The home page: rows that follow the servers, cards that count and filter, ticks for many at once.
 */

import { fromBase64 } from "app/bytes";
import { copyOf, element, shown, write } from "app/element";
import { count, rate } from "app/figures";
import { onKeys } from "app/keys";
import { reload } from "app/leaving";
import { live } from "app/live";
import { Rates } from "app/rates";
import { spark } from "app/spark";
import { countDown, explain, stand } from "app/standing";
import { since, tick } from "app/times";
import { toast } from "app/toast";
import { ask } from "app/verbs";
import { wholeCharacters } from "app/visible";

const AT_ONCE = 6; // requests of a bulk action
const FAILED = ["FATAL", "BACKOFF"];
const body = document.querySelector("[data-servers] tbody");
const search = /** @type {HTMLInputElement} */ (document.querySelector("[data-search]"));
/** @type {Map<HTMLElement, Rates>} */
const rates = new Map();
const FITS = {
  running: (row) => row.dataset.state === "RUNNING",
  failed: (row) => FAILED.includes(row.dataset.state),
  busy: (row) => rates.get(row).rate > 0,
  connected: (row) => Number(row.dataset.connections) > 0,
};
let filter = "";
let isDirty = false; // a last message is newer than the one shown
let isAcked = true;

if (body) begin();
else live("/ws/panel/", { message: (frame) => frame.type === "state" && reload() });

function begin() {
  for (const row of rows()) watch(row);
  const link = live("/ws/panel/", {
    message: (frame) => {
      take(frame);
      isAcked = false;
    },
  });
  setInterval(() => {
    if (!isAcked) link.send({ type: "ack", seq: 0 });
    isAcked = true;
  }, 200);
  setInterval(second, 1_000);
  enableFilters();
  enableTicks();
  onKeys("j", () => walk(1));
  onKeys("k", () => walk(-1));
  draw();
}

/** @returns {HTMLElement[]} */
function rows() {
  return [.../** @type {NodeListOf<HTMLElement>} */ (body.querySelectorAll("tr"))];
}

function rowOf(name) {
  return rows().find((row) => row.dataset.name === name);
}

function watch(row) {
  rates.set(row, new Rates(Number(row.dataset.total), performance.now()));
}

function take(frame) {
  if (frame.type === "state") standing(rowOf(frame.server) ?? added(frame.server), frame);
  else if (frame.type === "stats") counted(rowOf(frame.server), frame);
  else if (frame.type === "removed") rowOf(frame.server)?.remove();
  else if (frame.type === "snapshot") rows().filter((row) => !frame.servers.includes(row.dataset.name)).forEach((row) => row.remove());
  draw();
}

function standing(row, frame) {
  stand(row, frame);
  const reason = /** @type {HTMLElement} */ (row.querySelector("[data-reason]"));
  explain(reason, reason, frame);
}

function counted(row, frame) {
  if (!row) return;
  row.dataset.connections = frame.connections;
  write(row.querySelector("[data-connections-cell]"), count(frame.connections));
  rates.get(row).see(frame.received + frame.sent);
  isDirty ||= row.dataset.total !== String(frame.received + frame.sent);
  row.dataset.total = String(frame.received + frame.sent);
}

/** A row for a server that was not there: what it is asked for once. */
function added(name) {
  const row = copyOf("server-row");
  row.dataset.name = name;
  for (const node of row.querySelectorAll("[href], form[action], [data-name]")) {
    for (const attribute of ["href", "action"]) {
      const value = node.getAttribute(attribute);
      if (value) node.setAttribute(attribute, value.replace("/servers/new/", `/servers/${name}/`));
    }
    if (node.hasAttribute("data-name")) node.setAttribute("data-name", name);
  }
  const ticked = /** @type {HTMLInputElement} */ (row.querySelector("[data-tick]"));
  if (ticked) {
    ticked.value = name;
    ticked.setAttribute("aria-label", `Choose ${name}`);
  }
  row.querySelector("summary").setAttribute("aria-label", `More for ${name}`);
  write(row.querySelector("[data-link]"), name);
  body.insertBefore(row, rows().find((other) => other.dataset.name > name) ?? null);
  watch(row);
  isDirty = true;
  return row;
}

function second() {
  const now = performance.now();
  for (const row of rows()) {
    const seen = rates.get(row);
    seen.tick(now);
    write(row.querySelector("[data-rate]"), rate(seen.rate));
    spark(row.querySelector("[data-spark]"), seen.minute);
    const isUp = row.dataset.state === "RUNNING";
    write(row.querySelector("[data-since-cell]"), isUp ? since(row.dataset.since) : "");
    countDown(row);
  }
  draw();
  if (isDirty && !document.hidden) lastMessages();
}

async function lastMessages() {
  isDirty = false;
  const answer = await fetch("/servers/?last", { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const told = await answer.json();
  for (const row of rows()) {
    const server = told[row.dataset.name];
    if (!server) continue;
    describe(row, server);
    if (server.last) last(row.querySelector("[data-last]"), server.last);
  }
}

function describe(row, server) {
  write(row.querySelector("[data-kind]"), server.kind);
  row.dataset.text = server.text;
}

function last(cell, { at, head, direction }) {
  const time = cell.querySelector("time");
  if (time?.dateTime === at) return;
  const made = element("time", { datetime: at, title: at.replace("T", " ").replace("Z", " UTC"), "data-ago": "" });
  cell.replaceChildren(
    made, " ",
    element("span", { class: "way", title: direction === "in" ? "came in" : "went out" }, direction === "in" ? "→" : "←"), " ",
    element("span", { class: "bytes code" }, shown(wholeCharacters(fromBase64(head)))),
  );
  tick(cell);
}

/** Cards and what is shown. */
function draw() {
  const all = rows();
  total("servers", count(all.length));
  total("running", count(all.filter(FITS.running).length));
  const failed = all.filter(FITS.failed).length;
  total("failed", count(failed));
  document.querySelector(".total-failed").classList.toggle("is-bad", failed > 0);
  total("rate", rate(all.reduce((sum, row) => sum + rates.get(row).rate, 0)));
  total("connections", count(all.reduce((sum, row) => sum + Number(row.dataset.connections), 0)));
  const words = search.value.trim().toLowerCase();
  for (const row of all) {
    row.hidden = (filter && !FITS[filter](row)) || !row.dataset.text.includes(words);
  }
  const nothing = /** @type {HTMLElement} */ (document.querySelector("[data-nothing]"));
  nothing.hidden = all.some((row) => !row.hidden);
  if (!all.length) reload(); // the last one is gone: the welcome page
}

function total(name, text) {
  write(document.querySelector(`[data-total=${name}]`), text);
}

function enableFilters() {
  const cards = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-show]"));
  filter = new URLSearchParams(location.search).get("show") ?? "";
  if (!(filter in FITS)) filter = "";
  const mark = () => cards.forEach((card) => card.setAttribute("aria-pressed", String(card.dataset.show === filter)));
  for (const card of cards) {
    card.addEventListener("click", () => {
      filter = filter === card.dataset.show ? "" : card.dataset.show;
      mark();
      remember();
    });
  }
  search.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const found = rows().filter((row) => !row.hidden);
    if (search.value.trim() && found.length === 1) /** @type {HTMLElement} */ (found[0].querySelector("[data-link]")).click();
  });
  search.addEventListener("input", remember);
  document.querySelector("[data-clear-filters]").addEventListener("click", (event) => {
    event.preventDefault();
    filter = search.value = "";
    mark();
    remember();
  });
  mark();
  if (new URLSearchParams(location.search).has("go")) remember(); // a search from elsewhere that had several hits
}

/** The filters live in the address. */
function remember() {
  const query = new URLSearchParams();
  if (search.value.trim()) query.set("q", search.value.trim());
  if (filter) query.set("show", filter);
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
  draw();
}

function enableTicks() {
  const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-bulk]"));
  if (!form) return;
  const every = /** @type {HTMLInputElement} */ (document.querySelector("[data-tick-all]"));
  const clear = /** @type {HTMLElement} */ (form.querySelector("[data-unchoose]"));
  every.hidden = false;
  const show = () => {
    const chosen = ticks().filter((box) => box.checked).length;
    form.classList.toggle("is-idle", chosen === 0);
    clear.hidden = chosen === 0;
    write(form.querySelector("[data-chosen-word]"), `${chosen} chosen:`);
    every.checked = chosen > 0 && ticks().every((box) => box.checked || box.closest("tr").hidden);
    every.indeterminate = chosen > 0 && !every.checked;
  };
  const tickAll = (checked) => {
    for (const box of ticks()) box.checked = checked && !box.closest("tr").hidden;
    show();
  };
  every.addEventListener("change", () => tickAll(every.checked));
  clear.addEventListener("click", () => tickAll(false));
  body.addEventListener("change", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const verb = /** @type {HTMLButtonElement} */ (/** @type {SubmitEvent} */ (event).submitter).value;
    const names = ticks().filter((box) => box.checked).map((box) => box.value);
    tickAll(false);
    askAll(verb, names);
  });
  show();
}

/** @returns {HTMLInputElement[]} */
function ticks() {
  return [.../** @type {NodeListOf<HTMLInputElement>} */ (body.querySelectorAll("[data-tick]"))];
}

async function askAll(verb, names) {
  const waiting = [...names];
  let worked = 0;
  const worker = async () => {
    while (waiting.length) if (await ask(verb, waiting.shift(), true)) worked += 1;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const past = { start: "started", stop: "stopped", restart: "restarted" }[verb];
  toast(`${worked} of ${names.length} servers ${past}.`, worked === names.length ? "success" : "warning");
}

/** j and k: from row to row. */
function walk(step) {
  const links = rows().filter((row) => !row.hidden).map((row) => /** @type {HTMLElement} */ (row.querySelector("[data-link]")));
  const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  links[Math.max(0, Math.min(links.length - 1, at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step))]?.focus();
}
