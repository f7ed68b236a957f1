/** Becoming another program without becoming another process: pid, children and what is left open stay. */
import { readFileSync, writeSync } from "node:fs";
import * as libc from "./libc.js";
import { cStrings } from "./strings.js";

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const SIG_BLOCK = 0;
const SIG_UNBLOCK = 1;
const SIGUSR1 = 10;
const SIGNAL_SET_BYTES = 128;

/** `env` is `NAME=value` each. The errno name of why it failed: where it succeeds, nothing comes after. */
export function exec(file: string, argv: readonly string[], env: readonly string[]): string {
  const set = Buffer.alloc(SIGNAL_SET_BYTES);
  libc.sigemptyset(set);
  libc.sigaddset(set, SIGUSR1);
  // The exec takes our handlers away, and the default would end the process. What is blocked stays so over an exec,
  // and Node keeps SIGUSR1 blocked until it has a handler of its own.
  libc.pthread_sigmask(SIG_BLOCK, set, null);
  libc.execve(file, cStrings(argv), cStrings(env));
  const errno = libc.lastErrno();
  libc.pthread_sigmask(SIG_UNBLOCK, set, null);
  return errno;
}

/** Whether a descriptor outlives an exec. Node marks all that it opens, and all that it finds, as not to. */
export function surviveExec(fd: number, survives: boolean): void {
  libc.fcntl(fd, F_SETFD, "int", survives ? 0 : FD_CLOEXEC);
}

/** A text in a file without a name, gone with its last descriptor. Throws when it can't be made. */
export function textInMemory(text: string): number {
  const fd = libc.memfd_create("supervisord-ts", FD_CLOEXEC);
  if (fd < 0) throw libc.systemError("memfd_create", libc.lastErrno());
  const bytes = Buffer.from(text, "utf8");
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
  return fd;
}

/** Such a text, from its beginning whoever has read it before. */
export function readInMemory(fd: number): string {
  return readFileSync(`/proc/self/fd/${fd}`, "utf8");
}
