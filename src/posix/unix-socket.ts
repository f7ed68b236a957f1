/** Binding a unix socket in a place where others have a hand: mode and owner are right before anybody can connect. */
import fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Directory, isOursAlone, O_PATH } from "./guarded.js";
import * as libc from "./libc.js";

/** The file that a name stands for. */
export interface Identity {
  readonly dev: number;
  readonly ino: number;
}

export interface Binding {
  readonly mode: number;
  readonly owner: { readonly uid: number; readonly gid: number | null } | null;
}

const AF_UNIX = 1;
const SOCK_STREAM = 1;
export const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
/** Size of `sun_path`, the NUL included. */
const UNIX_PATH_BYTES = 108;

/** Whether clients can be told such a path at all. */
export function isTooLong(path: string): boolean {
  return Buffer.byteLength(path) >= UNIX_PATH_BYTES;
}

/** A socket's descriptor, close-on-exec. */
export function unixSocket(flags = 0): number {
  const fd = libc.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  if (fd < 0) throw libc.systemError("socket", libc.lastErrno());
  return fd;
}

/** Binds to a name of the directory that is free; `path` is how others know it. `step` of what is thrown may be `chown`. */
export function bindIn(directory: Directory, path: string, fd: number, { mode, owner }: Binding): Identity {
  const name = basename(path);
  // Tools such as ss show the path that a socket was bound to, so the plain one is used where that is safe.
  const plain = join(dirname(path), name);
  const shown = isOursAlone(dirname(path)) && !isTooLong(plain) ? plain : directory.at(name);
  if (isTooLong(shown)) throw libc.systemError("bind", "ENAMETOOLONG");
  const address = Buffer.alloc(2 + UNIX_PATH_BYTES);
  address.writeUInt16LE(AF_UNIX, 0);
  const bytes = address.write(shown, 2, "utf8");
  // A socket's file gets all permissions that the umask leaves.
  const old = process.umask(0o777 & ~mode);
  const failed = libc.bind(fd, address, 2 + bytes + 1) !== 0;
  const errno = failed ? libc.lastErrno() : "";
  process.umask(old);
  if (failed) throw libc.systemError("bind", errno);
  const file = fs.openSync(directory.at(name), O_PATH | fs.constants.O_NOFOLLOW);
  try {
    const stat = fs.fstatSync(file);
    if (!stat.isSocket() || stat.nlink !== 1) throw libc.systemError("bind", "EADDRINUSE");
    if (owner !== null) giveTo(file, owner);
    return { dev: stat.dev, ino: stat.ino };
  } catch (error) {
    fs.rmSync(directory.at(name), { force: true });
    throw error;
  } finally {
    fs.closeSync(file);
  }
}

function giveTo(file: number, { uid, gid }: { readonly uid: number; readonly gid: number | null }): void {
  try {
    fs.chownSync(`/proc/self/fd/${file}`, uid, gid ?? -1);
  } catch (error) {
    throw Object.assign(error as Error, { step: "chown" });
  }
}
