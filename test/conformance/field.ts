/**
 * Confs as people run them, in `test/fixtures/field/<name>`. Every absolute path in them is put below the scenario's
 * directory, which so becomes a root of its own, where stand-ins lie under the names of the real programs. Nothing
 * else of a conf is changed but its TCP port.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readLog } from "../support/boot.js";
import { fixturePath } from "../support/fixture.js";
import { freePort } from "../support/free-port.js";
import type { Launched } from "../support/launch.js";
import { environment } from "../support/programs.js";
import { until } from "../support/until.js";
import { type Difference, scenario } from "./scenario.js";
import type { Stage } from "./stage.js";

const FIELD = fileURLToPath(new URL("../fixtures/field/", import.meta.url));
const ABSOLUTE = /(?<![\w.])\/(?=(?:usr|var|etc|run|opt|home|srv|tmp|app)\/)/g;

export interface FieldScript {
  /** The directory below test/fixtures/field. */
  readonly conf: string;
  /** Where the files of its conf.d belong. */
  readonly confd?: string;
  /** Paths of programs that run until told to leave, and of programs that do their work and end. */
  readonly stay: readonly string[];
  readonly once?: readonly string[];
  /** Paths of daemons that go to the background. */
  readonly background?: readonly string[];
  /** Directories that are there before anything runs, besides those of the programs. */
  readonly directories: readonly string[];
  /** What the conf calls them; null: it has no such thing. */
  readonly socket: string | null;
  readonly log: string | null;
  readonly env?: Readonly<Record<string, string>>;
  readonly auth?: string;
  readonly differs?: Difference;
  play(stage: FieldStage): Promise<unknown>;
}

export interface FieldStage extends Stage {
  /** The lines the container, as it were, has put out by now, without timestamps. */
  container(): readonly string[];
}

export function field(name: string, script: FieldScript): void {
  scenario(name, {
    area: "field",
    boot: false,
    env: {
      PATH: `%(dir)s/usr/sbin:%(dir)s/usr/bin:${environment("")["PATH"]}`,
      PYTHONPATH: join(FIELD, "python"),
      PYTHONDONTWRITEBYTECODE: "1",
      // AUTO logs: whoever else starts under the same identifier clears those of /tmp away.
      TMPDIR: "%(dir)s/tmp",
      ...script.env,
    },
    ...(script.auth === undefined ? {} : { auth: script.auth }),
    ...(script.differs === undefined ? {} : { differs: script.differs }),
    async play(stage) {
      await build(stage, script);
      await launchInContainer(stage, script.socket !== null);
      return script.play({
        ...withDaemon(stage),
        container: () => readLog(join(stage.dir, "container.out")),
      });
    },
  });
}

/** Spreading a stage would read `daemon` once and for all; a field conf has one daemon anyway. */
function withDaemon(stage: Stage): Stage {
  return { ...stage, daemon: stage.daemon };
}

type Parts = Omit<FieldScript, "play">;

/** Makes the root of its own. A port is one that is free, since several daemons may have the same conf. */
export async function build(stage: Stage, script: Parts): Promise<void> {
  const { dir } = stage;
  const inside = (path: string): string => join(dir, path);
  chmodSync(dir, 0o755); // other users run programs in it
  const port = await freePort();
  const rooted = (file: string): string =>
    readFileSync(file, "utf8").replace(ABSOLUTE, `${dir}/`).replaceAll(":9001", `:${port}`);
  for (const directory of ["tmp", ...script.directories]) mkdirSync(inside(directory), { recursive: true });

  const source = join(FIELD, script.conf);
  stage.write("supervisord.conf", rooted(join(source, "supervisord.conf")));
  const confd = script.confd ?? "conf.d";
  for (const file of existsSync(join(source, "conf.d")) ? readdirSync(join(source, "conf.d")) : []) {
    mkdirSync(inside(confd), { recursive: true });
    stage.write(join(confd, file), rooted(join(source, "conf.d", file)));
  }
  for (const path of script.stay) put(inside(path), "stand-in");
  for (const path of script.once ?? []) put(inside(path), "stand-in-once");
  for (const path of script.background ?? []) put(inside(path), "stand-in-background");
  // Where the harness looks.
  if (script.socket !== null) symlinkSync(inside(script.socket), inside("s.sock"));
  if (script.log !== null) symlinkSync(inside(script.log), inside("main.log"));
}

/** A copy, since other users cannot get at a link's target in somebody's home. */
function put(path: string, program: string): void {
  mkdirSync(dirname(path), { recursive: true });
  cpSync(fixturePath(program), path);
}

/** With pipes for stdout and stderr, as a container has them; a test's own are sockets, which nobody can open. */
async function launchInContainer(stage: Stage, wait: boolean): Promise<Launched> {
  const through = [
    "/bin/bash",
    "-c",
    'exec "$@" > >(exec cat > container.out) 2> >(exec cat > container.err)',
    "-",
  ];
  return stage.launch([], { wait, through }).catch((cause: unknown) => {
    const said = ["container.out", "container.err"].map((name) => stage.read(name)).join("");
    throw new Error(`Cannot start in the container: ${said}`, { cause });
  });
}

/** The names in lines such as `INFO spawned: 'x' with pid 1` and `INFO stopped: x (exit status 0)`. */
export function named(lines: readonly string[]): readonly string[] {
  return lines.map((line) => /(?:spawned: '|stopped: )([^' ]+)/.exec(line)?.[1] ?? line);
}

export function sortedLines(text: string): readonly string[] {
  return text.split("\n").sort();
}

/** Waits for all of these at once. */
export async function allRunning(stage: Stage, names: readonly string[]): Promise<void> {
  for (const name of names) await stage.state(name, "RUNNING");
}

/** Waits until the container has put out something that holds each of these. */
export async function putOut(stage: FieldStage, ...texts: readonly string[]): Promise<readonly string[]> {
  return until(
    () => {
      const lines = stage.container();
      return texts.every((text) => lines.some((line) => line.includes(text))) && lines;
    },
    `${texts.join(", ")} in the container's output:\n${basename(stage.dir)}`,
  );
}
