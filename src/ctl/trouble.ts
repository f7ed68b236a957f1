/** Turns an error into a sentence for the user: Supervisor's own where there is one, never a class or a trace. */
import { statSync } from "node:fs";
import { Fault } from "../client/client.js";
import { HttpStatusError } from "../client/transport.js";
import { FAULTS } from "../core/faults.js";

/** Descriptions of failed connections, printed behind the serverurl. */
const CONNECTION: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  ECONNREFUSED: "refused connection",
  ENOTSOCK: "refused connection",
  ECONNRESET: "closed the connection without an answer",
  EPIPE: "closed the connection without an answer",
  ENOTFOUND: "unknown host",
  EAI_AGAIN: "unknown host (temporary failure of the name service)",
  ETIMEDOUT: "timed out",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
};

export function describeTrouble(error: unknown, serverurl: string): string {
  if (error instanceof Fault) return `ERROR: ${faultText(error)}`;
  if (error instanceof HttpStatusError)
    return `${serverurl} answered ${error.status}${error.reason === "" ? "" : ` ${error.reason}`}`;
  const code = codeOf(error) ?? "";
  if (code === "EACCES" || code === "EPERM") return `${serverurl} permission denied${closedTo(serverurl)}`;
  const known = CONNECTION[code];
  if (known !== undefined) return `${serverurl} ${known}`;
  return `ERROR: ${error instanceof Error ? error.message : String(error)}`;
}

/** A reload looks like a shutdown until the socket is there again. */
function faultText({ code, faultString }: Fault): string {
  return code === FAULTS.SHUTDOWN_STATE ? "supervisor shutting down (or reloading)" : faultString;
}

/** Why a unix socket can't be opened, as far as this user can see. */
function closedTo(serverurl: string): string {
  if (!serverurl.startsWith("unix://")) return "";
  const path = serverurl.slice("unix://".length);
  const uid = process.getuid?.() ?? 0;
  try {
    const { mode, uid: owner, gid } = statSync(path);
    const bits = (mode & 0o7777).toString(8).padStart(4, "0");
    return ` (uid ${uid} may not write to it: mode ${bits}, owner ${owner}:${gid})`;
  } catch {
    return ` (uid ${uid} may not enter its directory)`;
  }
}

/** The errno name of a failed connection; null for any other error. */
export function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return null;
  return error.code;
}
