/** How the next supervisor takes up a process, for every state that one can be left in. */
import { describe, expect, test } from "vitest";
import { millis, pid } from "../../src/core/brand.js";
import { newProcess, type Process, type ProcessState, STATECODES } from "../../src/core/process.js";
import { type SavedProcess, takeUp } from "../../src/core/saved.js";

const PID = pid(42);
const THEN = millis(1000);
const NOW = millis(9000);

const LEFT = {
  stopped: { name: "STOPPED" },
  wished: { name: "STARTING", pid: null, since: THEN },
  starting: { name: "STARTING", pid: PID, since: THEN },
  running: { name: "RUNNING", pid: PID, since: THEN },
  backoff: { name: "BACKOFF", until: millis(5000) },
  stopping: { name: "STOPPING", pid: PID, since: THEN, killAt: millis(5000) },
  exited: { name: "EXITED", restartAt: null },
  waiting: { name: "EXITED", restartAt: millis(5000) },
  fatal: { name: "FATAL" },
  unknown: { name: "UNKNOWN", pid: PID, since: THEN, stopping: true },
} as const satisfies Record<string, ProcessState>;

/** Everything but the state differs from a new one's: all of it must come along. */
function process(state: ProcessState): Process {
  const quick = { left: 7, at: THEN };
  return {
    ...newProcess(true),
    state,
    backoff: 2,
    spawnerr: "why",
    exitstatus: 3,
    laststart: 5,
    laststop: 4,
    quick,
  };
}

function saved(state: ProcessState, updating: boolean): SavedProcess {
  return { group: "g", name: "p", process: process(state), run: null, updating };
}

interface Row {
  readonly left: keyof typeof LEFT;
  readonly child: "lives" | "gone";
  /** The same when nothing is said. */
  readonly state?: ProcessState;
  readonly died?: true;
}

/** A state without a pid has no child that could live. */
const TABLE: readonly Row[] = [
  { left: "stopped", child: "gone" },
  { left: "wished", child: "lives", state: { name: "STARTING", pid: PID, since: THEN } },
  // The wish is not a failure: it is tried again at once, and counts as no more than it was.
  { left: "wished", child: "gone", state: { name: "BACKOFF", until: NOW } },
  { left: "starting", child: "lives" },
  { left: "starting", child: "gone", died: true },
  { left: "running", child: "lives" },
  { left: "running", child: "gone", died: true },
  { left: "backoff", child: "gone" },
  { left: "stopping", child: "lives" },
  { left: "stopping", child: "gone", died: true },
  { left: "exited", child: "gone" },
  { left: "waiting", child: "gone" },
  { left: "fatal", child: "gone" },
  { left: "unknown", child: "lives" },
  { left: "unknown", child: "gone", died: true },
];

test("the table has every state", () => {
  expect(new Set(TABLE.map(({ left }) => LEFT[left].name))).toEqual(new Set(Object.keys(STATECODES)));
  expect(new Set(TABLE.map(({ left }) => left))).toEqual(new Set(Object.keys(LEFT)));
});

describe.each([false, true])("updating %s", (updating) => {
  test.each(TABLE)("$left, the child $child", ({ left, child, state = LEFT[left], died }) => {
    // What an update stopped was not stopped on purpose: it is to come back.
    expect(takeUp(saved(LEFT[left], updating), child === "lives" ? PID : null, NOW)).toEqual({
      process: { ...process(state), held: !updating },
      died: died === true ? PID : null,
    });
  });
});

test("a deadline that has passed meanwhile stays what it was, and is due", () => {
  const { process: taken } = takeUp(saved(LEFT.backoff, false), null, NOW);
  expect(taken.state).toEqual({ name: "BACKOFF", until: 5000 });
});

test("a child found by its pipes counts from when it was wished for, not from when it was found", () => {
  const { process: taken } = takeUp(saved(LEFT.wished, false), pid(77), NOW);
  expect(taken.state).toEqual({ name: "STARTING", pid: 77, since: THEN });
});

test("the child that was found counts, not the pid that stands in the state", () => {
  const other = pid(43);
  for (const name of ["starting", "running", "stopping", "unknown"] as const) {
    const taken = takeUp(saved(LEFT[name], false), other, NOW);
    expect(taken).toEqual({ process: process({ ...LEFT[name], pid: other }), died: null });
  }
});
