/**
 * Something like a container, without one: PID 1 of its own process, mount and network namespaces, nobody in
 * /etc/passwd, an empty environment, no terminal.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { overhear } from "./overhear.js";
import { MARK, stat } from "./processes.js";
import { OUR_SUPERVISORCTL, OUR_SUPERVISORD } from "./programs.js";
import { type Ran, runCommand } from "./run-command.js";
import type { Scratch } from "./scratch.js";
import { until } from "./until.js";

/** Where its files lie inside. */
export const INSIDE = "/srv/app";

export interface Container extends AsyncDisposable {
  /** What PID 1 is called outside. */
  readonly pid: number;
  readonly exited: Promise<number | string>;
  stdout(): string;
  stderr(): string;
  /** Waits for a line of stdout that holds this. */
  line(text: string | RegExp): Promise<string>;
  signal(signal: NodeJS.Signals): void;
  /** A command inside, as `docker exec` runs it. */
  exec(...words: readonly string[]): Promise<Ran>;
  ctl(...words: readonly string[]): Promise<Ran>;
  /** Dead processes inside that nobody has collected. */
  zombies(): number;
}

/** Where the clone lies inside: what is mounted over its place, or a directory above that is root's alone, hides it. */
const CLONE = "/srv/clone";
const ROOT = dirname(dirname(OUR_SUPERVISORD));

const inside = (path: string): string => `${CLONE}${path.slice(ROOT.length)}`;

const SETUP = `set -e
mkdir "$1/clone"
mount --bind "$2" "$1/clone"
: > "$1/nobody"
mount --bind "$1/nobody" /etc/passwd
mount --bind "$1/nobody" /etc/group
mount -t tmpfs none /run
mount -t tmpfs none /srv
mkdir ${INSIDE} ${CLONE}
mount --move "$1/clone" ${CLONE}
cp "$1"/files/* ${INSIDE}
cd /
shift 2
exec "$@"`;

export interface ContainerOptions {
  /** What the image's CMD says. */
  readonly command?: readonly string[];
  /** A uid that nobody has a name for, as with `docker run --user`. */
  readonly uid?: number;
}

/** Starts the daemon on `supervisord.conf` among these files. */
export function startContainer(
  { dir }: Scratch,
  files: Readonly<Record<string, string>>,
  { command = ["supervisord-ts", "-c", `${INSIDE}/supervisord.conf`], uid = 0 }: ContainerOptions = {},
): Container {
  mkdirSync(join(dir, "files"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, "files", name), text);
  const [, ...args] = command;
  const namespaces = ["--pid", "--fork", "--mount-proc", "--mount", "--net", "--kill-child"];
  const user = uid === 0 ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  const words = [...user, "env", "-i", `${MARK}=${dir}`, process.execPath, inside(OUR_SUPERVISORD), ...args];
  const child = spawn("unshare", [...namespaces, "/bin/sh", "-c", SETUP, "sh", dir, ROOT, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { out: stdout, err: stderr, ended, closed: exited } = overhear(child);
  const self = (): number => childrenOf(child.pid ?? 0)[0] ?? 0;
  const exec = (...words: readonly string[]): Promise<Ran> =>
    runCommand(["nsenter", "--target", String(self()), "--mount", "--pid", "--net", ...words], { env: {} });
  return {
    get pid() {
      return self();
    },
    exited,
    stdout,
    stderr,
    line: (text) =>
      until(() => {
        if (ended()) throw new Error(`Cannot see ${text}, it has ended: ${stderr()}${stdout()}`);
        return stdout()
          .split("\n")
          .find((line) => (typeof text === "string" ? line.includes(text) : text.test(line)));
      }, `a line with ${text}`),
    signal: (signal) => void process.kill(self(), signal),
    exec,
    ctl: (...words) =>
      exec(process.execPath, inside(OUR_SUPERVISORCTL), "-c", `${INSIDE}/supervisord.conf`, ...words),
    zombies: () => family(self()).filter((pid) => stat(pid)?.state === "Z").length,
    async [Symbol.asyncDispose]() {
      // The end of unshare is the end of its PID 1, and so of all within.
      if (!ended()) child.kill("SIGKILL");
      await exited;
    },
  };
}

/** A process and all that descend from it. */
function family(pid: number): readonly number[] {
  if (stat(pid) === null) return [];
  return [pid, ...childrenOf(pid).flatMap(family)];
}

function childrenOf(pid: number): readonly number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return children.trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return []; // gone meanwhile
  }
}
