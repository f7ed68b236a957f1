/** Listening sockets, made so that nobody ever sees one half done. */

import { lookup } from "node:dns/promises";
import { closeSync, linkSync, lstatSync, rmSync, unlinkSync } from "node:fs";
import { connect, isIP, type Server } from "node:net";
import { basename, dirname, join } from "node:path";
import { type Directory, openParent } from "./guarded.js";
import { type Holder, holderAtEnd, holderOfPort } from "./holder.js";
import * as libc from "./libc.js";
import { bindIn, type Identity, isTooLong, SOCK_NONBLOCK, unixSocket } from "./unix-socket.js";

export type { Identity } from "./unix-socket.js";

export type ListenOutcome =
  | { readonly ok: true; readonly staleUnlinked?: boolean }
  | {
      readonly ok: false;
      readonly code: string;
      readonly chownDenied?: boolean;
      /** The process that listens at the address already; null where /proc does not tell. */
      readonly holder?: Holder | null;
    };

export type UnixOutcome =
  | { readonly ok: true; readonly staleUnlinked?: boolean; readonly identity: Identity }
  | Extract<ListenOutcome, { readonly ok: false }>;

export interface UnixOptions {
  readonly file: string;
  readonly chmod: number;
  readonly chown: { readonly uid: number; readonly gid: number } | null;
  /** False leaves also a socket alone that doesn't answer. @default true */
  readonly replacing?: boolean;
}

const BACKLOG = 1024;
const MOST_NAME_BYTES = 64;

export async function listenTcp(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<ListenOutcome> {
  let address: string;
  try {
    address = await addressOf(host);
  } catch (error) {
    return { ok: false, code: codeOf(error) };
  }
  const outcome = await attempt(server, () => server.listen({ host: address, port, backlog: BACKLOG }));
  if (outcome.ok || outcome.code !== "EADDRINUSE") return outcome;
  return { ...outcome, holder: holderOfPort(address, port) };
}

/** An empty host is every interface, and a name its address, of IPv4 as in the reference where there is one. */
async function addressOf(host: string): Promise<string> {
  if (host === "") return "0.0.0.0";
  if (isIP(host) !== 0) return host;
  const found = await lookup(host, { family: 4 }).catch(() => lookup(host));
  return found.address;
}

/** A socket that listens already. */
export async function listenOn(server: Server, fd: number): Promise<ListenOutcome> {
  return attempt(server, () => server.listen({ fd, backlog: BACKLOG }));
}

/**
 * Binds under a name of its own, with mode and owner, and only then links it to where clients look. A socket left
 * there by a daemon that is gone is replaced; one that answers is not, nor is anything that is no socket.
 */
export async function listenUnix(server: Server, options: UnixOptions): Promise<UnixOutcome> {
  const { file, chmod, chown } = options;
  if (isTooLong(file)) return { ok: false, code: "ENAMETOOLONG" };
  const temporary = besideOf(basename(file));
  let fd: number | null = null;
  try {
    using directory = openParent(file);
    rmSync(directory.at(temporary), { force: true });
    fd = unixSocket(SOCK_NONBLOCK);
    const identity = bindIn(directory, join(dirname(file), temporary), fd, { mode: chmod, owner: chown });
    try {
      if (libc.listen(fd, BACKLOG) !== 0) return { ok: false, code: libc.lastErrno() };
      // Node closes what it can't use.
      const taken = fd;
      fd = null;
      const outcome = await listenOn(server, taken);
      if (!outcome.ok) return outcome;
      const published = await publish(directory, temporary, options);
      if (!published.ok) server.close();
      return published.ok ? { ...published, identity } : published;
    } finally {
      rmSync(directory.at(temporary), { force: true });
    }
  } catch (error) {
    const isChown = (error as { readonly step?: string }).step === "chown";
    return { ok: false, code: codeOf(error), chownDenied: isChown && codeOf(error) === "EPERM" };
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** A name of its own; a short one where the usual one might be longer than an address can hold. */
function besideOf(name: string): string {
  const usual = `${name}.${process.pid}`;
  return Buffer.byteLength(usual) > MOST_NAME_BYTES ? `.${process.pid}` : usual;
}

async function publish(
  directory: Directory,
  temporary: string,
  { file, replacing }: UnixOptions,
): Promise<ListenOutcome> {
  const name = basename(file);
  let staleUnlinked = false;
  try {
    const there = lstatSync(directory.at(name), { throwIfNoEntry: false });
    if (there !== undefined) {
      if (replacing === false || (!there.isSocket() && !there.isSymbolicLink()))
        return { ok: false, code: "EEXIST" };
      const holder = await whoAnswers(file);
      if (holder !== "nobody") return { ok: false, code: "EADDRINUSE", holder };
      unlinkSync(directory.at(name));
      staleUnlinked = true;
    }
    linkSync(directory.at(temporary), directory.at(name));
  } catch (error) {
    const code = codeOf(error);
    return { ok: false, code: code === "EEXIST" ? "EADDRINUSE" : code };
  }
  return { ok: true, staleUnlinked };
}

/** The file that stands there; null for none that can be seen. */
export function identify(file: string): Identity | null {
  try {
    using directory = openParent(file);
    const there = lstatSync(directory.at(basename(file)), { throwIfNoEntry: false });
    return there === undefined ? null : { dev: there.dev, ino: there.ino };
  } catch {
    return null;
  }
}

export function isSame(one: Identity | null, other: Identity | null): boolean {
  return one !== null && other !== null && one.dev === other.dev && one.ino === other.ino;
}

/** Removes a socket's name if it still stands for that socket. */
export function unlinkSocket(file: string, identity: Identity | null): void {
  try {
    using directory = openParent(file);
    const there = lstatSync(directory.at(basename(file)), { throwIfNoEntry: false });
    if (there !== undefined && isSame(there, identity)) unlinkSync(directory.at(basename(file)));
  } catch {
    // gone, with its directory perhaps
  }
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

function whoAnswers(file: string): Promise<Holder | null | "nobody"> {
  return new Promise((resolve) => {
    const socket = connect(file);
    socket.once("connect", () => {
      resolve(holderAtEnd(socket));
      socket.destroy();
    });
    // A server that is busy has no room for one more, and lives.
    socket.once("error", (error) => resolve(codeOf(error) === "EAGAIN" ? null : "nobody"));
  });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
