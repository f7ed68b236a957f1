/**
 * Masks what cannot be the same twice: pids, times, the path of the temporary directory, the random part of
 * AUTO log names, the paths of the two programs, Python's own source position in `error: <class …>` lines,
 * and the usage of a command, which each says in its own words. Nothing else.
 */
import {
  OUR_SUPERVISORCTL,
  OUR_SUPERVISORD,
  REFERENCE_SUPERVISORCTL,
  REFERENCE_SUPERVISORD,
} from "../support/programs.js";

const TIMES = new Set(["start", "stop", "now"]);

/** A transcript with everything volatile masked, all the way down. */
export function scrub(value: unknown, dir: string): unknown {
  if (typeof value === "string") return scrubText(value, dir);
  if (Array.isArray(value)) return value.map((item) => scrub(item, dir));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      scrubText(name, dir),
      typeof item === "number" && item > 0 && (TIMES.has(name) || name === "pid")
        ? name.toUpperCase()
        : scrub(item, dir),
    ]),
  );
}

export function scrubText(text: string, dir: string): string {
  return text
    .replaceAll(dir, "DIR")
    .replaceAll(OUR_SUPERVISORD, "SUPERVISORD")
    .replaceAll(REFERENCE_SUPERVISORD, "SUPERVISORD")
    .replaceAll(OUR_SUPERVISORCTL, "SUPERVISORCTL")
    .replaceAll(REFERENCE_SUPERVISORCTL, "SUPERVISORCTL")
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}/g, "TIMESTAMP")
    .replace(/uptime (?:\d+ days?, )?\d+:\d\d:\d\d/g, "uptime UPTIME")
    .replace(/\b[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M\b/g, "STOPTIME")
    .replace(/\b(pid|grandchild)([ :])[1-9]\d*/g, "$1$2PID")
    .replace(/('[^' ]+' \()[1-9]\d*(\))/g, "$1PID$2")
    .replace(/(---[^/\s]+-)[a-z0-9_]{8}(\.log)/g, "$1RANDOM$2")
    .replace(/(error: <class .*): file: .* line: \d+/g, "$1: file: FILE line: N")
    .replace(USAGE, "USAGE $1\n");
}

/** Lines of one command: its forms with tabs and an explanation, what continues them, and a closing remark. */
const USAGE =
  /(?<=^|\n|> )(?:tail \[-f\][^\n]*\nEx:\n)?(?:([a-z]+) ?[^\n\t]*\t[^\n]*\n)(?:(?:\1 ?[^\n\t]*)?\t[^\n]*\n)*(?:Note: restart [^\n]*\n|Edited configuration [^\n]*\n)?/g;

/**
 * Takes off what our config errors say beyond the reference's text: ` (<file>:<line>)` or ` (<file>)` at
 * its end, with a hint behind it, or `, line <n>` inside the reference's own ` (file: '<file>')`.
 */
export function withoutPlace(text: string): string {
  return text.replace(/ \(\/[^()\s]*\)(; [^\n]*)?/g, "").replace(/(\(file: '[^']*'), line \d+\)/g, "$1)");
}

/** Ours names who has the address in a second sentence, which integration/addresses.test.ts is about. */
export function withoutHolder(err: string): string {
  return err.replace(/^Error: .* is in use by .*\n/m, "");
}
