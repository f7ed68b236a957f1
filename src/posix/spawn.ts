/**
 * Starting a child: posix_spawn with its own process group in the daemon's session, clean signals, three
 * descriptors and nothing else. Synchronous, well below a millisecond, and no dearer when the daemon is large.
 */
import { type Pid, pid } from "../core/brand.js";
import * as libc from "./libc.js";
import { getLimit, setLimit } from "./rlimit.js";
import { runAs } from "./run-as.js";
import { createStringBlock } from "./strings.js";

/** Who a child runs as; the primary group stands first among `groups`. */
export interface SpawnIdentity {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

export interface SpawnRequest {
  /** Path of the program. */
  readonly file: string;
  readonly argv: readonly string[];
  /** `NAME=value` each. */
  readonly env: readonly string[];
  readonly directory: string | null;
  readonly umask: number | null;
  readonly user: SpawnIdentity | null;
  /** Descriptors that become 0, 1 and 2. */
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
  /** Soft limit of open files; null leaves the daemon's. */
  readonly nofile: number | null;
}

/** What could not be done; `reason` says more where the reference does. */
export interface SpawnFailure {
  readonly ok: false;
  readonly step: "setuid" | "chdir" | "exec" | "fork";
  readonly errno: string;
  readonly reason?: string;
}

export type SpawnResult = { readonly ok: true; readonly pid: Pid } | SpawnFailure;

const SETPGROUP = 2;
const SETSIGDEF = 4;
const SETSIGMASK = 8;
/** Opaque structures: posix_spawnattr_t has 336 bytes on glibc and musl, a signal set 128, the actions 80. */
const OPAQUE_BYTES = 512;

const childPid = Buffer.alloc(8);
const actions = Buffer.allocUnsafeSlow(OPAQUE_BYTES);
const attributes = prepareAttributes();
const argumentBlock = createStringBlock();
const environmentBlock = createStringBlock();

function prepareAttributes(): Buffer {
  const prepared = Buffer.allocUnsafeSlow(OPAQUE_BYTES).fill(0);
  const set = Buffer.alloc(128);
  libc.posix_spawnattr_init(prepared);
  libc.posix_spawnattr_setflags(prepared, SETPGROUP | SETSIGDEF | SETSIGMASK);
  libc.posix_spawnattr_setpgroup(prepared, 0);
  libc.sigfillset(set);
  libc.posix_spawnattr_setsigdefault(prepared, set);
  libc.sigemptyset(set);
  libc.posix_spawnattr_setsigmask(prepared, set);
  return prepared;
}

/**
 * Starts the program, or says which step failed. Nothing is left behind when it fails. With a user, the child itself
 * finds out that the directory or the program is not for that user: it says so on its stderr and exits with 127.
 */
export function spawn(request: SpawnRequest): SpawnResult {
  const { user } = request;
  if (user === null) return spawnAsSelf(request);
  if (process.geteuid?.() !== 0) return refuse("setuid", "EPERM", "Can't drop privilege as nonroot user");
  const step = runAs(user, request);
  const result = spawnAsSelf({ ...request, ...step, directory: null });
  if (result.ok || result.step !== "exec" || result.errno === "E2BIG") return result;
  return refuse("setuid", result.errno, `cannot run ${step.file}: ${result.errno}`);
}

function spawnAsSelf(request: SpawnRequest): SpawnResult {
  const { umask, nofile } = request;
  const oldUmask = umask === null ? null : process.umask(umask);
  const oldLimit = nofile === null ? null : lowerNofile(nofile);
  try {
    return posixSpawn(request);
  } finally {
    if (oldLimit !== null) setLimit("NOFILE", oldLimit);
    if (oldUmask !== null) process.umask(oldUmask);
  }
}

/** The limit to go back to; null when it is right already. */
function lowerNofile(soft: number): ReturnType<typeof getLimit> | null {
  const old = getLimit("NOFILE");
  if (old.soft === soft || soft > old.hard) return null;
  return setLimit("NOFILE", { soft, hard: old.hard }) === null ? old : null;
}

function posixSpawn(request: SpawnRequest): SpawnResult {
  const { file, argv, env, directory } = request;
  const args = argumentBlock.fill(argv);
  const vars = environmentBlock.fill(env);
  libc.posix_spawn_file_actions_init(actions);
  try {
    addDescriptors(request);
    if (directory !== null) libc.posix_spawn_file_actions_addchdir_np(actions, directory);
    const failed = libc.posix_spawn(childPid, file, actions, attributes, args, vars);
    return failed === 0
      ? { ok: true, pid: pid(childPid.readInt32LE(0)) }
      : explain(request, libc.errnoName(failed));
  } finally {
    libc.posix_spawn_file_actions_destroy(actions);
  }
}

/** A source that is itself 0, 1 or 2 is first moved out of the way of the others. */
function addDescriptors({ stdin, stdout, stderr }: SpawnRequest): void {
  const sources = [stdin, stdout, stderr];
  const first = Math.max(3, ...sources.map((fd) => fd + 1));
  const moved = sources.map((fd, target) => {
    if (fd > 2 || fd === target) return fd;
    libc.posix_spawn_file_actions_adddup2(actions, fd, first + target);
    return first + target;
  });
  for (const [target, fd] of moved.entries()) libc.posix_spawn_file_actions_adddup2(actions, fd, target);
  for (const fd of moved) if (fd >= first) libc.posix_spawn_file_actions_addclose(actions, fd);
  if (!claimed || !keepFromChildren()) libc.posix_spawn_file_actions_addclosefrom_np?.(actions, 3);
}

let claimed = false;

/**
 * This process is nobody else's: what it has open may be marked close-on-exec before each spawn. Closed by the exec,
 * ten thousand descriptors cost the daemon nothing, as it goes on by then; closed before it, five milliseconds.
 */
export function claimDescriptors(): void {
  claimed = true;
}

const CLOSE_RANGE = 436;
const CLOSE_RANGE_CLOEXEC = 4;
const LAST = 0xff_ff_ff_ff;

/** Marks all but 0, 1 and 2. False where the kernel is older than 5.11. */
function keepFromChildren(): boolean {
  return libc.syscall(CLOSE_RANGE, "uint", 3, "uint", LAST, "uint", CLOSE_RANGE_CLOEXEC) === 0;
}

const AT_FDCWD = -100;
const AT_EACCESS = 0x200;
const X_OK = 1;

/** posix_spawn has one errno for everything; a directory that can't be entered explains it first. */
function explain({ directory }: SpawnRequest, errno: string): SpawnFailure {
  if (errno === "EAGAIN" || errno === "ENOMEM") return refuse("fork", errno);
  if (directory !== null && directory !== "") {
    // The slash makes a file that is no directory fail as chdir would.
    if (libc.faccessat(AT_FDCWD, `${directory}/`, X_OK, AT_EACCESS) !== 0)
      return refuse("chdir", libc.lastErrno());
  }
  return refuse(directory === "" ? "chdir" : "exec", errno);
}

function refuse(step: SpawnFailure["step"], errno: string, reason?: string): SpawnFailure {
  return { ok: false, step, errno, ...(reason === undefined ? {} : { reason }) };
}
