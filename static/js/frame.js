/**
 * What is on every page: keys, menus, dialogs, theme, search, copying, notes, and the banner that says what is wrong.
 */

import { call, sentence } from "app/api";
import * as clipboard from "app/clipboard";
import { write } from "app/element";
import * as keys from "app/keys";
import * as theme from "app/theme";
import { localise, tick } from "app/times";
import { settle, toast } from "app/toast";
import * as verbs from "app/verbs";
import { plainText } from "app/visible";

const LOOK_EVERY = 10_000; // milliseconds between two questions for the supervisor

const search = /** @type {HTMLInputElement} */ (document.querySelector("[data-search]"));
search.addEventListener("keydown", (event) => {
  if (event.key === "Escape") search.value = "";
});

clipboard.enable();
keys.enable();
verbs.enable();
theme.mark();
localise();
setInterval(tick, 1_000);
document.querySelectorAll("[data-toasts] .note").forEach(settle);

keys.onKeys("?", () => open("help"));
keys.onKeys("/", () => search.select());
keys.onKeys("g s", () => location.assign("/servers/"));
keys.onKeys("g c", () => location.assign("/client/"));
keys.onKeys("g r", () => document.querySelector("[href='/commands/']") && location.assign("/commands/"));
keys.onKeys("Escape", () => {
  if (closeMenus()) return;
  /** @type {HTMLElement} */ (document.activeElement)?.blur?.();
  document.dispatchEvent(new CustomEvent("app:escape"));
});

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  const opener = /** @type {HTMLElement} */ (target.closest("[data-opens]"));
  const inTab = opener instanceof HTMLAnchorElement && (event.ctrlKey || event.metaKey || event.shiftKey);
  if (opener && !inTab) {
    event.preventDefault(); // it is a link, for who has no script: the page comes with the dialog open
    open(opener.dataset.opens);
  }
  closeMenus(target.closest("details.menu"));
  const chosen = /** @type {HTMLElement} */ (target.closest("[data-themes] [data-theme]"));
  if (chosen) {
    theme.choose(chosen.dataset.theme);
    call("PATCH", "/account", { theme: chosen.dataset.theme }).catch((error) => toast(sentence(error), "error"));
    closeMenus();
  }
  if (target instanceof HTMLDialogElement) target.close(); // a click beside it
});

document.addEventListener("keydown", (event) => {
  const target = /** @type {Element} */ (event.target);
  if (event.key !== " " || !target.matches("a[role='button']")) return;
  event.preventDefault(); // a button is pressed by a blank, too
  /** @type {HTMLElement} */ (target).click();
});

function open(id) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById(id));
  dialog?.close();
  dialog?.showModal();
}

/** Close every menu but this one; whether one was open. */
function closeMenus(but = null) {
  const menus = [...document.querySelectorAll("details.menu[open]")].filter((menu) => menu !== but);
  for (const menu of menus) menu.removeAttribute("open");
  return menus.length > 0;
}

async function lookAtSupervisor() {
  if (document.hidden) return;
  const banner = /** @type {HTMLElement} */ (document.querySelector("[data-banner]"));
  try {
    const { body } = await call("GET", "/node");
    const wrong = body.troubles.map((one) => one.sentence).join(" ");
    stands(body.remote_commands.running);
    banner.hidden = !wrong;
    write(banner.querySelector("[data-banner-text]"), plainText(wrong));
  } catch (error) {
    banner.hidden = false;
    write(banner.querySelector("[data-banner-text]"), sentence(error));
  }
}

/** The banner names the remote-command servers that run now. */
async function stands(running) {
  const told = /** @type {HTMLElement} */ (document.querySelector("[data-standing]")).dataset.standing;
  if (told !== running.map(({ name }) => name).join(" ")) (await import("app/refresh")).renew("[data-standing]");
}

setInterval(lookAtSupervisor, LOOK_EVERY);
document.addEventListener("app:supervisor", lookAtSupervisor);
