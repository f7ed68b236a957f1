/** Between the spawn and its being known: whatever fails there, no child stays that nobody supervises. */
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { createLingering } from "../../src/daemon/lingering.js";
import type { Outputs } from "../../src/daemon/outputs.js";
import { createRun, type Run } from "../../src/daemon/run.js";
import { type SpawnContext, startRun } from "../../src/daemon/start-run.js";
import { reapOne } from "../../src/posix/reap.js";
import { processConfig } from "../core/process-config.js";
import { until } from "../support/until.js";

interface Counted {
  readonly context: SpawnContext;
  /** Opened and not yet released. */
  readonly held: { readonly outputs: number; readonly socket: number };
}

function contextWith(make: typeof createRun): Counted {
  const held = { outputs: 0, socket: 0 };
  const count = (what: keyof typeof held, by: number) => (): number => {
    held[what] += by;
    return 0;
  };
  const fake: Partial<Outputs> = {
    open: count("outputs", 1),
    release: count("outputs", -1),
    takeFrom: () => "unfit",
    shows: () => false,
    write: () => null,
    trouble: () => undefined,
  };
  const context: SpawnContext = {
    config: processConfig({ command: "/bin/sleep 600" }),
    outputs: fake as Outputs,
    identity: null,
    env: [],
    nofile: null,
    socket: { acquire: count("socket", 1), release: count("socket", -1) },
    keepPipes: true,
    onSpawn: () => undefined,
    owner: { group: "cat", name: "cat" },
    lingering: createLingering({ log: () => undefined, enabled: () => false, reaped: () => undefined }),
    createRun: make,
  };
  return { context, held };
}

const openDescriptors = (): number => readdirSync("/proc/self/fd").length;

function throwing(): never {
  throw Object.assign(new Error("no room"), { code: "EMFILE" });
}

/** A run one of whose pipes can't be read. */
function broken(...[saved, ends, context]: Parameters<typeof createRun>): Run {
  return Object.assign(createRun(saved, ends, context), { broken: new Error("no reader") });
}

test.each([
  ["the run can't be made", throwing, "too many open files to spawn 'cat'"],
  ["a pipe can't be read", broken, "unknown error making dispatchers for 'cat': Error: no reader"],
] as const)("where %s, its child is killed and the start has failed", async (_, make, spawnerr) => {
  const { context, held } = contextWith(make);
  // Descriptors that the first spawn of all opens stay open.
  await end(startRun({ ...context, createRun: throwing }));
  const before = openDescriptors();
  const outcome = startRun(context);
  expect(outcome).toMatchObject({ ok: false, spawnerr, killed: expect.any(Number) });
  expect(await end(outcome)).toBe(9);
  await until(() => held.outputs === 0, "the logs released", { everyMs: 1 });
  expect(held.socket).toBe(0);
  await until(() => openDescriptors() === before, "its pipes closed", { everyMs: 1 });
});

/** How its child has ended. */
async function end(outcome: ReturnType<typeof startRun>): Promise<number> {
  if (outcome.ok || outcome.killed === null) throw new Error("no child was killed");
  const { killed } = outcome;
  return (await until(() => reapOne(killed), "the child's end", { everyMs: 1 })).waitStatus;
}

test("where the start can't be noted, nothing has been started and nothing stays open", () => {
  const { context, held } = contextWith(createRun);
  const before = openDescriptors();
  const outcome = startRun({ ...context, onSpawn: throwing });
  expect(outcome).toEqual({ ok: false, spawnerr: "too many open files to spawn 'cat'", killed: null });
  expect([{ ...held }, openDescriptors()]).toEqual([{ outputs: 0, socket: 0 }, before]);
});

test("a run is what comes of it where nothing fails", async () => {
  const { context, held } = contextWith(createRun);
  const outcome = startRun(context);
  if (!outcome.ok) throw new Error(outcome.spawnerr);
  expect([outcome.run.broken, { ...held }]).toEqual([null, { outputs: 1, socket: 1 }]);
  outcome.run.kill(9, false);
  await until(() => reapOne(outcome.run.pid), "its end", { everyMs: 1 });
  outcome.run.finish();
  await until(() => held.outputs === 0, "the logs released", { everyMs: 1 });
});
