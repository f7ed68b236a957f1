/** The table, and the machine it was measured on. */
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { base } from "./scratch.mjs";

export function machine(versions) {
  const others = Object.entries(versions).map(([name, { version, missing }]) =>
    missing === undefined ? `${name} ${version}` : `${name}: left out, ${missing}`,
  );
  return [
    `${cpus()[0]?.model.trim() ?? "unknown CPU"}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}${distribution()}`,
    `Node ${process.version}; ${others.join("; ")}`,
    `files on ${base() === "/dev/shm" ? "tmpfs" : "the temporary directory"}; load when it began ${loadavg()[0]?.toFixed(1)}`,
  ];
}

function distribution() {
  try {
    const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
    return name === undefined ? "" : `, ${name}`;
  } catch {
    return "";
  }
}

const COLUMNS = ["reference", "ours", "pm2", "runit"];

/** A Markdown table, which is readable as it stands too. */
export function table(rows) {
  const shown = COLUMNS.filter((name) => rows.some(({ values }) => values[name] !== undefined));
  const head = ["", ...shown, "ours / reference", "goal"];
  const cells = rows.map(({ what, unit, values, goal }) => [
    unit === "" ? what : `${what}, ${unit}`,
    ...shown.map((name) => number(values[name])),
    number(values.ours / values.reference),
    judge(values, goal),
  ]);
  const widths = head.map((title, at) => Math.max(title.length, ...cells.map((line) => line[at].length)));
  const line = (words) =>
    `| ${words.map((word, at) => (at === 0 ? word.padEnd(widths[at]) : word.padStart(widths[at]))).join(" | ")} |`;
  const rule = `|${widths.map((width, at) => (at === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(head), rule, ...cells.map(line)].join("\n");
}

function number(value) {
  if (value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1000) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

/** Only said: no number decides how the run ends. */
function judge(values, goal) {
  if (goal === null) return "";
  const ratio = values.ours / values.reference;
  const said = [];
  const check = (text, value, met) => said.push(Number.isFinite(value) ? `${text} ${met ? "✓" : "✗"}` : text);
  if (goal.atMost !== undefined) check(`≤ ${goal.atMost}`, ratio, ratio <= goal.atMost);
  if (goal.atLeast !== undefined) check(`≥ ${goal.atLeast}`, ratio, ratio >= goal.atLeast);
  if (goal.absolute !== undefined)
    check(`ours ≤ ${goal.absolute}`, values.ours, values.ours <= goal.absolute);
  if (goal.runit !== undefined) {
    const against = values.ours / values.runit;
    check(`≤ ${goal.runit} × runit`, against, against <= goal.runit);
  }
  return said.join(", ");
}
