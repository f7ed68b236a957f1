/** Errors in the words that Python's supervisorctl would have for them, which scripts look for. */
import { Fault } from "../client/client.js";
import { HttpStatusError } from "../client/transport.js";
import { repr } from "../config/python.js";

interface PythonError {
  readonly type: string;
  readonly text: string;
}

const SYSTEM: Readonly<Record<string, PythonError>> = {
  ENOENT: { type: "FileNotFoundError", text: "[Errno 2] No such file or directory" },
  ECONNREFUSED: { type: "ConnectionRefusedError", text: "[Errno 111] Connection refused" },
  ECONNRESET: { type: "ConnectionResetError", text: "[Errno 104] Connection reset by peer" },
  EPIPE: { type: "BrokenPipeError", text: "[Errno 32] Broken pipe" },
  EACCES: { type: "PermissionError", text: "[Errno 13] Permission denied" },
  EPERM: { type: "PermissionError", text: "[Errno 1] Operation not permitted" },
  ENOTFOUND: { type: "socket.gaierror", text: "[Errno -2] Name or service not known" },
  EAI_AGAIN: { type: "socket.gaierror", text: "[Errno -3] Temporary failure in name resolution" },
  ETIMEDOUT: { type: "TimeoutError", text: "[Errno 110] Connection timed out" },
  EHOSTUNREACH: { type: "OSError", text: "[Errno 113] No route to host" },
  ENETUNREACH: { type: "OSError", text: "[Errno 101] Network is unreachable" },
  ENOTSOCK: { type: "ConnectionRefusedError", text: "[Errno 111] Connection refused" },
};

/** `error: <class 'X'>, text: file: … line: …`. */
export function describeUnexpected(error: unknown): string {
  const { type, text } = pythonError(error);
  return `error: <class '${type}'>, ${text}: file: supervisorctl-ts line: 1`;
}

function pythonError(error: unknown): PythonError {
  if (error instanceof Fault)
    return { type: "xmlrpc.client.Fault", text: `<Fault ${error.code}: ${repr(error.faultString)}>` };
  if (error instanceof HttpStatusError) {
    const { url, status, reason } = error;
    return { type: "xmlrpc.client.ProtocolError", text: `<ProtocolError for ${url}: ${status} ${reason}>` };
  }
  const code = codeOf(error);
  const known = code === null ? undefined : SYSTEM[code];
  if (known !== undefined) return known;
  return { type: "ValueError", text: error instanceof Error ? error.message : String(error) };
}

/** The errno name of a failed connection; null for any other error. */
export function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return null;
  return error.code;
}
