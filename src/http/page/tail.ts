/** The tail page: the end of a process' stdout log. */
import { LogFault, readLog } from "../../logs/tail.js";
import type { Daemon } from "../../rpc/daemon.js";
import { RpcFault } from "../../rpc/fault.js";
import { findProcess } from "../../rpc/lookup.js";
import { stripAnsi } from "../../wire/ansi.js";
import { document, escapeText, quoteUrl } from "./html.js";

const LEAST_BYTES = 1024;
/** What is not UTF-8 becomes U+FFFD; the reference answers 500. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** How much more of the log the next step shows. */
const MORE = 8;

export function tailPage(daemon: Daemon, name: string | null, limit: string | null): string {
  const bytes = Math.max(LEAST_BYTES, limit !== null && /^\d+$/.test(limit) ? Number(limit) : LEAST_BYTES);
  const text = name === null ? "No process name found" : tailOf(daemon, name, bytes);
  const link = (label: string, limit: number): string =>
    `<a href="tail.html?processname=${quoteUrl(name ?? "")}&amp;limit=${limit}">${label}</a>`;
  const links = name === null ? "" : `${link("Refresh", bytes)} ${link("More", bytes * MORE)} `;
  const title = `Supervisor tail of process ${name ?? ""}`;
  return document(
    title,
    `<h1>${escapeText(name ?? title)}</h1>
<pre>
${escapeText(text)}</pre>
<div class="actions">${links}<a href="index.html">Status</a></div>`,
  );
}

function tailOf(daemon: Daemon, name: string, bytes: number): string {
  try {
    if (daemon.mood !== "RUNNING") throw new RpcFault("SHUTDOWN_STATE");
    return decoder.decode(stripAnsi(readLog(findProcess(daemon, name).logfile("stdout"), -bytes, 0)));
  } catch (error) {
    if (error instanceof LogFault && error.fault === "NO_FILE") return `No file for ${name}`;
    if (error instanceof LogFault) return `ERROR: unexpected rpc fault [30] ${error.message}`;
    if (error instanceof RpcFault) return `ERROR: unexpected rpc fault [${error.code}] ${error.message}`;
    throw error;
  }
}
