/**
 * Light, dark, or as the system has it. The account keeps it (app/frame tells it); a cookie does for the pages of nobody, as the sign-in.
 */

const YEAR = 365 * 86_400;

export function choose(theme) {
  const root = document.documentElement;
  if (theme) root.dataset.bsTheme = theme;
  else delete root.dataset.bsTheme;
  const age = theme ? YEAR : 0;
  document.cookie = `theme=${theme}; path=/; max-age=${age}; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
  mark();
}

/** Show which one is chosen. */
export function mark() {
  const chosen = document.documentElement.dataset.bsTheme ?? "";
  for (const button of document.querySelectorAll("[data-themes] [data-theme]")) {
    button.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (button).dataset.theme === chosen));
  }
}
