/** The tail page: the end of a process' stdout log, or a stretch of it. */
import type { Passage } from "../../core/passage.js";
import { findPassage, LogFault } from "../../logs/tail.js";
import type { Daemon } from "../../rpc/daemon.js";
import { RpcFault } from "../../rpc/fault.js";
import { findProcess } from "../../rpc/lookup.js";
import { createAnsiStripper } from "../../wire/ansi.js";
import type { LongAnswer } from "../long-answer.js";
import { document, escapeText, quoteUrl } from "./html.js";

const LEAST_BYTES = 1024;
/** More than this no browser shows well. */
const MOST_BYTES = 1 << 20;
/** How much more of the log the next step shows. */
const MORE = 8;
/** Bytes that are no UTF-8 become U+FFFD; the reference answers 500. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export interface TailQuery {
  readonly name: string | null;
  /** How many bytes are wanted. */
  readonly limit: string | undefined;
  /** Where they end, counted from the start of the log; left out, it is the log's end. */
  readonly end: string | undefined;
}

export function tailPage(daemon: Daemon, query: TailQuery): LongAnswer {
  const { name } = query;
  const bytes = Math.min(Math.max(numberOf(query.limit) ?? 0, LEAST_BYTES), MOST_BYTES);
  const end = numberOf(query.end);
  const shown = name === null ? "No process name found" : tailOf(daemon, name, bytes, end);
  const title = `Supervisor tail of process ${name ?? ""}`;
  // A mark no text can hold, since NUL is shown as a picture.
  const [head = "", foot = ""] = document(
    title,
    `<h1>${escapeText(name ?? title)}</h1>
<pre>
\0</pre>
<div class="actions">${name === null ? "" : links(name, bytes, end, shown)}<a href="index.html">Status</a></div>`,
  ).split("\0");
  return { parts: [head, typeof shown === "string" ? escapeText(shown) : shown, foot], reader };
}

function reader(): (slice: Buffer) => string {
  const stripper = createAnsiStripper();
  return (slice) => escapeText(decoder.decode(stripper.write(slice)));
}

function numberOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function links(name: string, bytes: number, end: number | null, shown: string | Passage): string {
  const link = (label: string, limit: number, to: number | null = null): string =>
    `<a href="tail.html?processname=${quoteUrl(name)}&amp;limit=${limit}${to === null ? "" : `&amp;end=${to}`}">${label}</a> `;
  const start = typeof shown === "string" ? 0 : shown.start;
  return [
    link("Refresh", bytes),
    bytes < MOST_BYTES && end === null ? link("More", Math.min(bytes * MORE, MOST_BYTES)) : "",
    start > 0 ? link("Earlier", bytes, start) : "",
    end === null ? "" : link("Later", bytes, end + bytes),
  ].join("");
}

function tailOf(daemon: Daemon, name: string, bytes: number, end: number | null): string | Passage {
  try {
    if (daemon.mood !== "RUNNING") throw new RpcFault("SHUTDOWN_STATE");
    const path = findProcess(daemon, name).logfile("stdout");
    if (end === null || end === 0) return findPassage(path, -bytes, 0);
    const start = Math.max(end - bytes, 0);
    return findPassage(path, start, end - start);
  } catch (error) {
    if (error instanceof LogFault && error.fault === "NO_FILE") return `No file for ${name}`;
    if (error instanceof LogFault) return `ERROR: unexpected rpc fault [30] ${error.message}`;
    if (error instanceof RpcFault) return `ERROR: unexpected rpc fault [${error.code}] ${error.message}`;
    throw error;
  }
}
