/**
 * Numbers, sizes and times as people read them. It knows no DOM and no clock: whoever asks says what time it is.
 */

const counting = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
/** @type {[string, number][]} */
const STEPS = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]];

/** 1240 -> "1,240" */
export function count(number) {
  return counting.format(number);
}

/** 12400 -> "12.4k": short enough for a cell; exact below 10,000. */
export function short(number) {
  if (number < 10_000) return count(number);
  const [divisor, unit] = number < 1_000_000 ? [1_000, "k"] : number < 1_000_000_000 ? [1_000_000, "M"] : [1_000_000_000, "G"];
  return oneDigit.format(Math.floor((number / divisor) * 10) / 10) + unit;
}

/** 1536 -> "1.5 KiB" */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes;
  let unit = -1;
  while (value >= 1024 && unit < 3) {
    value /= 1024;
    unit += 1;
  }
  return `${oneDigit.format(value)} ${["KiB", "MiB", "GiB", "TiB"][unit]}`;
}

/** A rate: one digit below 10, whole from there on. */
export function rate(perSecond) {
  if (perSecond > 0 && perSecond < 0.05) return "<0.1";
  return perSecond < 10 ? oneDigit.format(perSecond) : short(Math.round(perSecond));
}

/** How long, in its two largest units: 3700 -> "1 h 1 min". */
export function duration(seconds) {
  let left = Math.max(0, Math.floor(seconds));
  const parts = [];
  for (const [unit, length] of STEPS) {
    const whole = Math.floor(left / length);
    if (whole || (parts.length === 0 && unit === "s")) parts.push(`${whole} ${unit}`);
    else if (parts.length) break;
    left -= whole * length;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

/** How long ago, in its largest unit. */
export function ago(seconds) {
  return seconds < 1 ? "now" : `${duration(seconds).split(" ").slice(0, 2).join(" ")} ago`;
}

/** Local wall-clock time to the millisecond: "10:42:07.123". `at` is RFC 3339. */
export function clock(at) {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds(at)}`;
}

/** Local date and time to the second: "2026-11-20 10:42:07". */
export function moment(at) {
  const date = new Date(at);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** "2026-11-20T10:42:07.123456Z" -> "2026-11-20 10:42:07.123456 UTC" */
export function utc(at) {
  return at.replace("T", " ").replace("Z", " UTC");
}

function milliseconds(at) {
  return (/\.(\d{3})/.exec(at)?.[1] ?? "000").padEnd(3, "0");
}

function two(number) {
  return String(number).padStart(2, "0");
}
