/** `/logtail/NAME[/CHANNEL]` and `/mainlogtail`: the end of a log, and then whatever is added to it, for ever. */
import { once } from "node:events";
import { statSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { splitNamespec } from "../core/namespec.js";
import { followLog } from "../logs/tail.js";
import type { Channel, Daemon } from "../rpc/daemon.js";
import { SERVER, sendError } from "./reply.js";

/** What a stream begins with. */
const FIRST_BYTES = 1024;

/** `path` is decoded and begins with /logtail. */
export function handleLogtail(
  daemon: Daemon,
  path: string,
  response: ServerResponse,
  closing: AbortSignal,
): void {
  const [, ...rest] = path.replace(/^\/+/, "").split("/");
  if (rest.length === 0) return sendError(response, 500);
  const [name = "", ...channel] = rest;
  const stream = channel.length === 0 ? "stdout" : channel.join("/");
  // Clients that know Supervisor's server encode twice what it would take for the end of the path.
  const file = logfileOf(daemon, name, stream) ?? logfileOf(daemon, decoded(name), stream);
  if (file === null) return sendError(response, 404);
  sendStream(file, response, closing, { "X-Accel-Buffering": "no" });
}

export function handleMainLogtail(daemon: Daemon, response: ServerResponse, closing: AbortSignal): void {
  if (daemon.mainLogfile === null) return sendError(response, 404);
  sendStream(daemon.mainLogfile, response, closing, {});
}

function logfileOf(daemon: Daemon, name: string, channel: string): string | null {
  if (!isChannel(channel)) return null;
  const spec = splitNamespec(name);
  const process = daemon.groups.get(spec.group)?.processes.get(spec.process ?? "");
  return process?.logfile(channel) ?? null;
}

function isChannel(text: string): text is Channel {
  return text === "stdout" || text === "stderr";
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function sendStream(
  file: string,
  response: ServerResponse,
  closing: AbortSignal,
  headers: Record<string, string>,
): void {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return sendError(response, 404);
  response.writeHead(200, {
    Server: SERVER,
    "Last-Modified": stats.mtime.toUTCString(),
    "Content-Type": "text/plain;charset=utf-8",
    // Without it a browser waits for a kilobyte, to see whether it is text.
    "X-Content-Type-Options": "nosniff",
    ...headers,
  });
  response.flushHeaders();
  // A stream has no end, so nothing that the client asks for behind it can be answered.
  response.shouldKeepAlive = false;
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const signal = AbortSignal.any([gone.signal, closing]);
  const write = async (bytes: Buffer): Promise<void> => {
    if (!response.write(bytes) && !response.destroyed) await once(response, "drain", { signal });
  };
  followLog(file, { from: FIRST_BYTES, onData: write, signal }).then(
    () => response.end(),
    () => response.destroy(),
  );
}
