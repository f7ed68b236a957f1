/** A call for many processes: a failure is the outcome of its own process alone. */
import { expect, test } from "vitest";
import { newProcess } from "../../src/core/process.js";
import { forEach } from "../../src/rpc/batch.js";
import type { ProcessHandle } from "../../src/rpc/daemon.js";
import { RpcFault } from "../../src/rpc/fault.js";

function handle(name: string): ProcessHandle {
  return { group: name, name, process: newProcess(), logfile: () => null } as unknown as ProcessHandle;
}

test("a bug that one of them meets, at once or later, is said; the others are done, each with its outcome", async () => {
  const said: string[] = [];
  const done: string[] = [];
  const names = ["bug", "late-bug", "fault", "late", "last"];
  const outcomes = await forEach(
    { log: (_level, text) => void said.push(text) },
    names.map(handle),
    ({ name }) => {
      done.push(name);
      if (name === "bug") throw new Error("broken");
      if (name === "late-bug") return Promise.reject(new Error("broken later"));
      if (name === "fault") throw new RpcFault("NOT_RUNNING", name);
      return name === "late" ? Promise.resolve(true) : true;
    },
  );
  expect(done).toEqual(names);
  const seen = (outcomes as readonly { name: string; status: number; description: string }[])
    .map(({ name, status, description }) => `${name} ${status} ${description}`)
    .sort();
  expect(seen).toEqual([
    "bug 30 FAILED: broken",
    "fault 70 NOT_RUNNING: fault",
    "last 80 OK",
    "late 80 OK",
    "late-bug 30 FAILED: broken later",
  ]);
  expect(said.map((text) => text.split("\n", 1)[0])).toEqual([
    "what was asked of all failed for bug: Error: broken",
    "what was asked of all failed for late-bug: Error: broken later",
  ]);
});
