/** Listening sockets, made so that nobody ever sees one half done. */
import { chmodSync, chownSync, existsSync, linkSync, rmSync, statSync, unlinkSync } from "node:fs";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";

export type ListenOutcome =
  | { readonly ok: true; readonly staleUnlinked?: boolean }
  | { readonly ok: false; readonly code: string; readonly chownDenied?: boolean };

export interface UnixOptions {
  readonly file: string;
  readonly chmod: number;
  readonly chown: { readonly uid: number; readonly gid: number } | null;
}

const BACKLOG = 1024;

export async function listenTcp(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<ListenOutcome> {
  // An empty host is every interface, of IPv4 as in the reference.
  return attempt(server, () =>
    server.listen({ host: host === "" ? "0.0.0.0" : host, port, backlog: BACKLOG }),
  );
}

/** A socket that listens already. */
export async function listenOn(server: Server, fd: number): Promise<ListenOutcome> {
  return attempt(server, () => server.listen({ fd, backlog: BACKLOG }));
}

/**
 * Binds under a name of its own, sets mode and owner, and only then links it to where clients look. A socket
 * left there by a daemon that is gone is replaced, one that answers is not.
 */
export async function listenUnix(server: Server, options: UnixOptions): Promise<ListenOutcome> {
  const { file } = options;
  const temporary = `${file}.${process.pid}`;
  rmSync(temporary, { force: true });
  const old = process.umask(0o177);
  const listening = attempt(server, () => server.listen({ path: temporary, backlog: BACKLOG }));
  process.umask(old);
  const outcome = await listening;
  if (!outcome.ok) {
    // libuv calls a missing directory EACCES, for Windows' sake.
    const missing = outcome.code === "EACCES" && !existsSync(dirname(file));
    return missing ? { ok: false, code: "ENOENT" } : outcome;
  }
  const published = await publish(temporary, options);
  rmSync(temporary, { force: true });
  if (!published.ok) server.close();
  return published;
}

async function publish(temporary: string, { file, chmod, chown }: UnixOptions): Promise<ListenOutcome> {
  chmodSync(temporary, chmod);
  let staleUnlinked = false;
  try {
    if (isThere(file)) {
      if (await answers(file)) return { ok: false, code: "EADDRINUSE" };
      unlinkSync(file);
      staleUnlinked = true;
    }
    linkSync(temporary, file);
  } catch (error) {
    const code = codeOf(error);
    return { ok: false, code: code === "EEXIST" ? "EADDRINUSE" : code };
  }
  if (chown !== null) {
    try {
      chownSync(file, chown.uid, chown.gid);
    } catch (error) {
      rmSync(file, { force: true });
      return { ok: false, code: codeOf(error), chownDenied: codeOf(error) === "EPERM" };
    }
  }
  return { ok: true, staleUnlinked };
}

function attempt(server: Server, listen: () => void): Promise<ListenOutcome> {
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      server.off("listening", succeed);
      resolve({ ok: false, code: codeOf(error) });
    };
    const succeed = (): void => {
      server.off("error", fail);
      resolve({ ok: true });
    };
    server.once("error", fail);
    server.once("listening", succeed);
    listen();
  });
}

function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(file);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function isThere(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
