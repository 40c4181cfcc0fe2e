/**
 * What came of a command, in words, and the sort of its pill. It knows no DOM. sockpanel/pages/outcomes.py says the same for the list.
 */

import { size } from "app/figures";

/**
 * @param {{state: string, exit_code?: number | null, signal?: number | null, why?: string}} command
 * @returns {{sort: string, name: string, words: string}} `name`: of its icon
 */
export function outcome(command) {
  const { state, exit_code: code, signal, why } = command;
  if (state === "waiting") return { sort: "idle", name: "waiting", words: "asked for" };
  if (state === "running") return { sort: "warn", name: "running", words: "runs" };
  if (state === "failed") return { sort: "bad", name: "error", words: "failed" };
  if (signal) return { sort: "bad", name: "error", words: why ? `ended: ${why}` : `signal ${signal}` };
  if (code === 0) return { sort: "good", name: "success", words: "exit 0" };
  return { sort: "bad", name: "error", words: code === null || code === undefined ? "ended" : `exit ${code}` };
}

/** How long it took and how much it wrote: "0.012 s, 63 B". */
export function figures({ seconds, stdout_bytes: out = 0, stderr_bytes: err = 0 }) {
  const took = seconds === null || seconds === undefined ? "" : `${seconds.toFixed(3)} s`;
  return [took, size(out + err)].filter(Boolean).join(", ");
}
