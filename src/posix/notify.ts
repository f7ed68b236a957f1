/** Telling a service manager how things stand: sd_notify's protocol, a datagram of `NAME=value` lines. */
import { closeSync } from "node:fs";
import * as libc from "./libc.js";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const MSG_NOSIGNAL = 0x4000;
const UNIX_PATH_BYTES = 108;

/** Gives the errno name when it can't be sent, null when it was. `@` is the abstract namespace. */
export function notify(path: string, lines: readonly string[]): string | null {
  const name = Buffer.from(path);
  if (name.length === 0 || (name[0] !== SLASH && name[0] !== AT)) return "EAFNOSUPPORT";
  if (name.length >= UNIX_PATH_BYTES) return "ENAMETOOLONG";
  const abstract = name[0] === AT;
  if (abstract) name[0] = 0;
  const address = Buffer.alloc(2 + name.length + (abstract ? 0 : 1));
  address.writeUInt16LE(AF_UNIX, 0);
  address.set(name, 2);
  // Never waits: a manager that doesn't read must not stop the daemon.
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return libc.lastErrno();
  try {
    const bytes = Buffer.from(lines.join("\n"));
    const sent = libc.sendto(fd, bytes, bytes.length, MSG_NOSIGNAL, address, address.length);
    return sent < 0 ? libc.lastErrno() : null;
  } finally {
    closeSync(fd);
  }
}

const SLASH = 0x2f;
const AT = 0x40;
