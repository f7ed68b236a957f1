/** Finds the process that holds an address, by the kernel's lists of sockets and the descriptors under /proc/PID/fd. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { isIPv6, type Socket } from "node:net";
import * as libc from "./libc.js";

export interface Holder {
  /** Null where we may not look into the processes of that user. */
  readonly pid: number | null;
  readonly uid: number;
  /** Command line, cut for a message, control characters replaced. */
  readonly command: string;
}

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const LISTENING = "0A";
const MOST_COMMAND = 120;

/** Finds the listener that keeps others from binding this address and port; `""` and `::` stand for all addresses. */
export function holderOfPort(address: string, port: number): Holder | null {
  const wanted = bytesOf(address);
  for (const { local, uid, inode } of listeners(port))
    if (isAny(local) || isAny(wanted) || local.equals(wanted)) {
      const pid = processWith(`socket:[${inode}]`);
      return { pid, uid, command: pid === null ? "" : commandOf(pid) };
    }
  return null;
}

/** Finds the listener at the other end of a connected unix socket. */
export function holderAtEnd(socket: Socket): Holder | null {
  const { fd = -1 } = (socket as unknown as { readonly _handle?: { readonly fd: number } })._handle ?? {};
  const peer = Buffer.alloc(12);
  const size = Buffer.alloc(4);
  size.writeInt32LE(peer.length);
  if (libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, size) !== 0) return null;
  const pid = peer.readInt32LE(0);
  // A process of another pid namespace has none here.
  return { pid: pid > 0 ? pid : null, uid: peer.readInt32LE(4), command: pid > 0 ? commandOf(pid) : "" };
}

interface Listener {
  readonly local: Buffer;
  readonly uid: number;
  readonly inode: string;
}

function* listeners(port: number): Iterable<Listener> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const list of ["/proc/net/tcp", "/proc/net/tcp6"])
    for (const line of read(list).split("\n")) {
      const [, local = "", , state, , , , uid, , inode] = line.trim().split(/ +/);
      if (state !== LISTENING || inode === undefined || !local.endsWith(suffix)) continue;
      yield { local: fromKernel(local.slice(0, -suffix.length)), uid: Number(uid), inode };
    }
}

/** The kernel prints an address as words in the order of the machine; IPv4 is shown as mapped into IPv6. */
function fromKernel(words: string): Buffer {
  const bytes = Buffer.from(words, "hex");
  const address = Buffer.from(bytes.swap32());
  return address.length === 4 ? mapped(address) : address;
}

function mapped(address: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(10), Buffer.from([0xff, 0xff]), address]);
}

function isAny(address: Buffer): boolean {
  return address.every((byte) => byte === 0) || address.equals(mapped(Buffer.alloc(4)));
}

function bytesOf(address: string): Buffer {
  if (!isIPv6(address))
    return mapped(Buffer.from(address === "" ? [0, 0, 0, 0] : address.split(".").map(Number)));
  // URL writes every address in one way, with an IPv4 end as two groups.
  const text = new URL(`http://[${address.replace(/%.*/, "")}]/`).hostname.slice(1, -1);
  const [head = "", tail] = text.split("::");
  const groups = (part: string | undefined): number[] =>
    part === undefined || part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const [first, last] = [groups(head), groups(tail)];
  const all = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function processWith(target: string): number | null {
  for (const name of list("/proc"))
    if (/^\d+$/.test(name))
      for (const fd of list(`/proc/${name}/fd`))
        if (linkOf(`/proc/${name}/fd/${fd}`) === target) return Number(name);
  return null;
}

function commandOf(pid: number): string {
  const words = read(`/proc/${pid}/cmdline`).replace(/\0+$/, "") || read(`/proc/${pid}/comm`).trim();
  const plain = words.replace(/\p{C}/gu, " ");
  return plain.length > MOST_COMMAND ? `${plain.slice(0, MOST_COMMAND)} …` : plain;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
