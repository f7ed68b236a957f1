/**
 * A listening socket for children to accept on (FastCGI): made by libc, since Node would accept on it itself
 * and has no blocking ones.
 */
import { closeSync, lstatSync, unlinkSync } from "node:fs";
import { basename } from "node:path";
import type { FcgiSocket } from "../core/config.js";
import { openParent } from "./guarded.js";
import * as libc from "./libc.js";
import { bindIn, isTooLong, unixSocket } from "./unix-socket.js";

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
/** What listen() takes for "as many as the system allows". */
const SOMAXCONN = 4096;
const DEFAULT_MODE = 0o700;

/** The descriptor, blocking and close-on-exec. Throws with `code` when it can't be made. */
export function openSharedSocket(socket: FcgiSocket, backlog: number | null): number {
  const fd = socket.kind === "unix" ? unixSocket() : tcpSocket();
  try {
    if (socket.kind === "unix") bindUnix(fd, socket);
    else bindTcp(fd, socket.host, socket.port);
    if (libc.listen(fd, backlog ?? SOMAXCONN) !== 0) throw libc.systemError("listen", libc.lastErrno());
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function bindUnix(fd: number, { path, owner, mode }: Extract<FcgiSocket, { readonly kind: "unix" }>): void {
  if (isTooLong(path)) throw libc.systemError("bind", "ENAMETOOLONG");
  using directory = openParent(path);
  const before = lstatSync(directory.at(basename(path)), { throwIfNoEntry: false });
  // Anything but a socket or a link was not left there by a daemon, and stays.
  if (before?.isSocket() === true || before?.isSymbolicLink() === true)
    unlinkSync(directory.at(basename(path)));
  bindIn(directory, path, fd, { mode: mode ?? DEFAULT_MODE, owner });
}

function tcpSocket(): number {
  const fd = libc.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw libc.systemError("socket", libc.lastErrno());
  return fd;
}

function bindTcp(fd: number, host: string, port: number): void {
  const on = Buffer.alloc(4);
  on.writeInt32LE(1);
  libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, on, on.length);
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt16BE(port, 2);
  address.set(resolveIpv4(host), 4);
  if (libc.bind(fd, address, address.length) !== 0) throw libc.systemError("bind", libc.lastErrno());
}

/** Four bytes. struct addrinfo: flags, family, socktype, protocol, addrlen, (4 bytes), addr, canonname, next. */
function resolveIpv4(host: string): Buffer {
  const hints = Buffer.alloc(48);
  hints.writeInt32LE(AF_INET, 4);
  hints.writeInt32LE(SOCK_STREAM, 8);
  const result = Buffer.alloc(8);
  if (libc.getaddrinfo(host, null, hints, result) !== 0) throw libc.systemError("getaddrinfo", "ENOTFOUND");
  const list = result.readBigUInt64LE(0);
  try {
    const address = libc.bytesAt(libc.bytesAt(list, 48).readBigUInt64LE(addressOffset(list)), 16);
    return address.subarray(4, 8);
  } finally {
    libc.freeaddrinfo(list);
  }
}

/** glibc and musl have `addr` before `canonname`; it is the pointer of the two that isn't null. */
function addressOffset(list: bigint): number {
  return libc.bytesAt(list, 48).readBigUInt64LE(24) === 0n ? 32 : 24;
}
