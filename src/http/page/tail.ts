/** The tail page: the end of a process' stdout log. */
import { decodeText, LogFault, readLog } from "../../logs/tail.js";
import type { Daemon } from "../../rpc/daemon.js";
import { RpcFault } from "../../rpc/fault.js";
import { findProcess } from "../../rpc/lookup.js";
import { document, escapeText, quoteUrl } from "./html.js";

const LEAST_BYTES = 1024;

export function tailPage(daemon: Daemon, name: string | null, limit: string | null): string {
  const bytes = Math.max(LEAST_BYTES, limit !== null && /^\d+$/.test(limit) ? Number(limit) : LEAST_BYTES);
  const text = name === null ? "No process name found" : tailOf(daemon, name, bytes);
  const refresh =
    name === null
      ? ""
      : `<p><a href="tail.html?processname=${quoteUrl(name)}&amp;limit=${bytes}">Refresh</a></p>`;
  const title = `Supervisor tail of process ${name ?? ""}`;
  return document(title, `<pre>\n${escapeText(text)}</pre>\n${refresh}`);
}

function tailOf(daemon: Daemon, name: string, bytes: number): string {
  try {
    if (daemon.mood !== "RUNNING") throw new RpcFault("SHUTDOWN_STATE");
    return decodeText(readLog(findProcess(daemon, name).logfile("stdout"), -bytes, 0));
  } catch (error) {
    if (error instanceof LogFault && error.fault === "NO_FILE") return `No file for ${name}`;
    if (error instanceof LogFault) return `ERROR: unexpected rpc fault [30] ${error.message}`;
    if (error instanceof RpcFault) return `ERROR: unexpected rpc fault [${error.code}] ${error.message}`;
    throw error;
  }
}
