/** libc, through koffi: the declarations that the other files of this folder use, and what errno says. */
import { constants } from "node:os";
import koffi from "koffi";

const lib = koffi.load(null);

type Pointer = Buffer | bigint | null;

/** Declares a C function. The prototype and the TypeScript type are one fact told twice; keep them together. */
function declare<F>(prototype: string): F {
  return lib.func(prototype) as unknown as F;
}

/** As `declare`, for what not every libc has. */
function declareIfThere<F>(prototype: string): F | null {
  try {
    return declare<F>(prototype);
  } catch {
    return null;
  }
}

export const pipe2 = declare<(fds: Buffer, flags: number) => number>("int pipe2(void *fds, int flags)");
export const execve = declare<(path: string, argv: Buffer, envp: Buffer) => number>(
  "int execve(const char *path, void *argv, void *envp)",
);
export const madvise = declare<(address: bigint, size: number, advice: number) => number>(
  "int madvise(uintptr_t address, size_t size, int advice)",
);
export const memfd_create = declare<(name: string, flags: number) => number>(
  "int memfd_create(const char *name, uint flags)",
);
export const fcntl = declare<(fd: number, command: number, type: "int", value: number) => number>(
  "int fcntl(int fd, int command, ...)",
);
export const ioctl = declare<(fd: number, request: bigint, type: "void *", value: Buffer) => number>(
  "int ioctl(int fd, unsigned long request, ...)",
);
export const splice = declare<
  (from: number, fromAt: null, to: number, toAt: null, size: number, flags: number) => number
>("long splice(int from, void *from_at, int to, void *to_at, size_t size, uint flags)");
export const tee = declare<(from: number, to: number, size: number, flags: number) => number>(
  "long tee(int from, int to, size_t size, uint flags)",
);
export const lseek = declare<(fd: number, at: number, whence: number) => number>(
  "int64_t lseek(int fd, int64_t at, int whence)",
);
export const inotify_init1 = declare<(flags: number) => number>("int inotify_init1(int flags)");
export const inotify_add_watch = declare<(fd: number, path: string, mask: number) => number>(
  "int inotify_add_watch(int fd, const char *path, uint mask)",
);
export const inotify_rm_watch = declare<(fd: number, watch: number) => number>(
  "int inotify_rm_watch(int fd, int watch)",
);
export const clock_gettime = declare<(clock: number, time: Buffer) => number>(
  "int clock_gettime(int clock, void *time)",
);
export const tzset = declare<() => void>("void tzset()");
export const localtime_r = declare<(time: Buffer, broken: Buffer) => bigint>(
  "uintptr_t localtime_r(void *time, void *broken)",
);
/** A function of its own since glibc 2.33. */
export const fstat = declareIfThere<(fd: number, stat: Buffer) => number>("int fstat(int fd, void *stat)");
export const fchown = declare<(fd: number, uid: number, gid: number) => number>(
  "int fchown(int fd, uint uid, uint gid)",
);
export const dup2 = declare<(from: number, to: number) => number>("int dup2(int from, int to)");
export const setsid = declare<() => number>("int setsid()");
export const getsid = declare<(pid: number) => number>("int getsid(int pid)");
export const wait4 = declare<(pid: number, status: Buffer, options: number, rusage: Buffer) => number>(
  "int wait4(int pid, void *status, int options, void *rusage)",
);
export const kill = declare<(pid: number, signal: number) => number>("int kill(int pid, int sig)");
export const getrlimit = declare<(resource: number, limit: Buffer) => number>(
  "int getrlimit(int resource, void *limit)",
);
export const setrlimit = declare<(resource: number, limit: Buffer) => number>(
  "int setrlimit(int resource, void *limit)",
);
export const prlimit = declare<(pid: number, resource: number, set: Pointer, old: Pointer) => number>(
  "int prlimit(int pid, int resource, void *set, void *old)",
);
export const faccessat = declare<(dirfd: number, path: string, mode: number, flags: number) => number>(
  "int faccessat(int dirfd, const char *path, int mode, int flags)",
);
export const readlinkat = declare<(dirfd: number, path: string, text: Buffer, size: number) => number>(
  "long readlinkat(int dirfd, const char *path, void *text, size_t size)",
);
export const getgrouplist = declare<(user: string, gid: number, groups: Buffer, count: Buffer) => number>(
  "int getgrouplist(const char *user, uint gid, void *groups, void *count)",
);
export const openlog = declare<(ident: Buffer, option: number, facility: number) => void>(
  "void openlog(void *ident, int option, int facility)",
);
export const syslog = declare<(priority: number, format: string, type: "str", text: string) => void>(
  "void syslog(int priority, const char *format, ...)",
);

export const socket = declare<(domain: number, type: number, protocol: number) => number>(
  "int socket(int domain, int type, int protocol)",
);
export const bind = declare<(fd: number, address: Buffer, size: number) => number>(
  "int bind(int fd, void *address, uint size)",
);
export const listen = declare<(fd: number, backlog: number) => number>("int listen(int fd, int backlog)");
export const setsockopt = declare<
  (fd: number, level: number, name: number, value: Buffer, size: number) => number
>("int setsockopt(int fd, int level, int name, void *value, uint size)");
export const getsockopt = declare<
  (fd: number, level: number, name: number, value: Buffer, size: Buffer) => number
>("int getsockopt(int fd, int level, int name, void *value, void *size)");
export const sendto = declare<
  (fd: number, bytes: Buffer, size: number, flags: number, address: Buffer, addressSize: number) => number
>("long sendto(int fd, void *bytes, size_t size, int flags, void *address, uint address_size)");
export const getaddrinfo = declare<
  (node: string | null, service: string | null, hints: Buffer, result: Buffer) => number
>("int getaddrinfo(const char *node, const char *service, void *hints, void *result)");
export const freeaddrinfo = declare<(list: bigint) => void>("void freeaddrinfo(void *list)");

type NameLookup = (name: string, record: Buffer, strings: Buffer, size: number, result: Buffer) => number;
type IdLookup = (id: number, record: Buffer, strings: Buffer, size: number, result: Buffer) => number;
const LOOKUP_REST = "void *record, void *strings, size_t size, void *result)";
export const getpwnam_r = declare<NameLookup>(`int getpwnam_r(const char *name, ${LOOKUP_REST}`);
export const getpwuid_r = declare<IdLookup>(`int getpwuid_r(uint uid, ${LOOKUP_REST}`);
export const getgrnam_r = declare<NameLookup>(`int getgrnam_r(const char *name, ${LOOKUP_REST}`);

type Syscall1 = (number: number, ...typed: readonly (string | number | Buffer | bigint | null)[]) => number;
/** Raw system call: acts on the calling thread alone, where libc's wrappers tell all threads. */
export const syscall = declare<Syscall1>("long syscall(long number, ...)");

export const posix_spawn = declare<
  (pid: Buffer, path: string, actions: Buffer, attributes: Buffer, argv: Buffer, envp: Buffer) => number
>("int posix_spawn(void *pid, const char *path, void *actions, void *attr, void *argv, void *envp)");
export const posix_spawnattr_init = declare<(attributes: Buffer) => number>(
  "int posix_spawnattr_init(void *attr)",
);
export const posix_spawnattr_setflags = declare<(attributes: Buffer, flags: number) => number>(
  "int posix_spawnattr_setflags(void *attr, short flags)",
);
export const posix_spawnattr_setpgroup = declare<(attributes: Buffer, group: number) => number>(
  "int posix_spawnattr_setpgroup(void *attr, int group)",
);
export const posix_spawnattr_setsigdefault = declare<(attributes: Buffer, set: Buffer) => number>(
  "int posix_spawnattr_setsigdefault(void *attr, void *set)",
);
export const posix_spawnattr_setsigmask = declare<(attributes: Buffer, set: Buffer) => number>(
  "int posix_spawnattr_setsigmask(void *attr, void *set)",
);
export const sigemptyset = declare<(set: Buffer) => number>("int sigemptyset(void *set)");
export const sigfillset = declare<(set: Buffer) => number>("int sigfillset(void *set)");
export const sigdelset = declare<(set: Buffer, signal: number) => number>(
  "int sigdelset(void *set, int signal)",
);
export const sigaddset = declare<(set: Buffer, signal: number) => number>(
  "int sigaddset(void *set, int signal)",
);
/** Of the calling thread. */
export const pthread_sigmask = declare<(how: number, set: Buffer, old: Pointer) => number>(
  "int pthread_sigmask(int how, void *set, void *old)",
);
export const posix_spawn_file_actions_init = declare<(actions: Buffer) => number>(
  "int posix_spawn_file_actions_init(void *actions)",
);
export const posix_spawn_file_actions_destroy = declare<(actions: Buffer) => number>(
  "int posix_spawn_file_actions_destroy(void *actions)",
);
export const posix_spawn_file_actions_adddup2 = declare<
  (actions: Buffer, from: number, to: number) => number
>("int posix_spawn_file_actions_adddup2(void *actions, int from, int to)");
export const posix_spawn_file_actions_addclose = declare<(actions: Buffer, fd: number) => number>(
  "int posix_spawn_file_actions_addclose(void *actions, int fd)",
);
export const posix_spawn_file_actions_addchdir_np = declare<(actions: Buffer, path: string) => number>(
  "int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)",
);
/** glibc since 2.34; elsewhere Node's close-on-exec marks do the same. */
export const posix_spawn_file_actions_addclosefrom_np = declareIfThere<
  (actions: Buffer, from: number) => number
>("int posix_spawn_file_actions_addclosefrom_np(void *actions, int from)");

const ERRNO_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno).map(([name, number]) => [number, name === "EWOULDBLOCK" ? "EAGAIN" : name]),
);

/** The name of an errno number; the number itself where it has none. */
export function errnoName(number: number): string {
  return ERRNO_NAMES.get(number) ?? String(number);
}

/** The name of the last call's errno. */
export function lastErrno(): string {
  return errnoName(koffi.errno());
}

/** A failed call as Node's own errors look: `code` is the errno name. */
export function systemError(call: string, code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${call}: ${code}`), { code, syscall: call });
}

/** Where a buffer's bytes are. It must not be moved or collected meanwhile: keep it, and let it be unpooled. */
export function addressOf(buffer: Buffer): bigint {
  return BigInt(koffi.address(buffer));
}

/** A copy of the bytes at an address that libc gave. */
export function bytesAt(address: bigint, size: number): Buffer {
  return Buffer.from(new Uint8Array(koffi.view(address, size)));
}
