/** What /proc says about processes, and ending those that a test has left. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Set in the environment of every daemon a test starts, and so inherited by all its children. */
export const MARK = "SUPERVISORD_TS_TEST_DIR";

export interface Stat {
  readonly pid: number;
  readonly state: string;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
}

/** The first fields of /proc/PID/stat, or null when there is no such process. */
export function stat(pid: number): Stat | null {
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The command stands in brackets and may hold anything, brackets too: what counts comes after the last.
  const [state = "?", ppid, pgid, sid] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { pid, state, ppid: Number(ppid), pgid: Number(pgid), sid: Number(sid) };
}

/** True while the process runs; a zombie is dead already. */
export function alive(pid: number): boolean {
  const seen = stat(pid);
  return seen !== null && seen.state !== "Z" && seen.state !== "X";
}

/** The environment a process was started with. */
export function environ(pid: number): Readonly<Record<string, string>> {
  const pairs = (read(`/proc/${pid}/environ`) ?? "").split("\0").filter(Boolean);
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
}

/** Fields of /proc/PID/status by name. */
export function status(pid: number): Readonly<Record<string, string>> {
  const lines = (read(`/proc/${pid}/status`) ?? "").split("\n").filter(Boolean);
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
  );
}

/** Targets of a process's descriptors, without those that are closed meanwhile. */
export function targets(pid: number): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const fd of list(`/proc/${pid}/fd`)) {
    const target = link(`/proc/${pid}/fd/${fd}`);
    if (target !== null) found[fd] = target;
  }
  return found;
}

/** The same without the number in `pipe:[123]`. */
export function descriptors(pid: number): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(targets(pid)).map(([fd, target]) => [fd, target.replace(/\[\d+\]$/, "")]),
  );
}

/** Its words with blanks between; empty for a process that is gone. */
export function commandLine(pid: number): string {
  return (read(`/proc/${pid}/cmdline`) ?? "").replaceAll("\0", " ").trim();
}

export function cwd(pid: number): string | null {
  return link(`/proc/${pid}/cwd`);
}

/** Every living process that carries the mark of this test directory. */
export function marked(dir: string): number[] {
  return list("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && alive(pid) && environ(pid)[MARK] === dir);
}

/** Ends them all at once, so that nothing restarts anything. */
export function killMarked(dir: string): void {
  for (let pids = marked(dir), turn = 0; pids.length > 0 && turn < 50; pids = marked(dir), turn += 1) {
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // gone meanwhile
      }
    }
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function link(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
