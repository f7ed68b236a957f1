/** A group comes as a whole or not at all. */
import { expect, test } from "vitest";
import type { GroupConfig } from "../../src/core/config.js";
import { createEngine, type Engine } from "../../src/daemon/engine.js";
import type { Entry } from "../../src/daemon/entry.js";
import { createGroups } from "../../src/daemon/groups.js";
import type { Outputs } from "../../src/daemon/outputs.js";
import { processConfig } from "../core/process-config.js";

const PAIR: GroupConfig = {
  kind: "program",
  name: "pair",
  priority: 999,
  processes: ["a", "b"].map((name) => processConfig({ name })),
};

const SILENT = { path: () => null, close: () => undefined } as unknown as Outputs;

function silentEngine(): Engine {
  return createEngine({
    log: { log: () => undefined, enabled: () => false, reaped: () => undefined },
    spawn: () => ({ ok: false, spawnerr: "nothing is spawned here", killed: null }),
    reap: () => null,
    onStep: () => undefined,
    beforeKill: () => undefined,
  });
}

test("whoever keeps what it made of all groups sees by the map that a member has come or gone", () => {
  using engine = silentEngine();
  const groups = createGroups({
    engine,
    outputs: () => SILENT,
    onAdded: () => undefined,
    onRemoved: () => undefined,
  });
  groups.add(PAIR, new Set());
  const seen = [groups.active];
  for (const name of ["c", "d"]) {
    expect(groups.addMember("pair", processConfig({ name }), false)).not.toBe(null);
    seen.push(groups.active);
  }
  const gone = groups.active.get("pair")?.processes.get("c") as Entry;
  expect(groups.removeMember(gone)).toBe("removed");
  seen.push(groups.active);
  expect(new Set(seen).size).toBe(4);
  expect([...(seen.at(-1)?.get("pair")?.processes.keys() ?? [])]).toEqual(["a", "b", "d"]);
  expect(groups.active).toBe(seen.at(-1));
});

test.each(["outputs", "onAdded"])(
  "where %s throws, nothing of a group stays, and it can come later",
  (place) => {
    let works = false;
    const breakAt = (where: string): void => {
      if (where === place && !works) throw new Error(`${where} is broken`);
    };
    using engine = silentEngine();
    const groups = createGroups({
      engine,
      outputs(_group, { name }) {
        if (name === "b") breakAt("outputs");
        return SILENT;
      },
      onAdded: () => breakAt("onAdded"),
      onRemoved: () => undefined,
    });
    expect(() => groups.add(PAIR, new Set())).toThrow(`${place} is broken`);
    expect([[...groups.active.keys()], engine.entries.size]).toEqual([[], 0]);
    works = true;
    expect(groups.add(PAIR, new Set())).toBe(true);
    expect([[...groups.active.keys()], engine.entries.size]).toEqual([["pair"], 2]);
  },
);
