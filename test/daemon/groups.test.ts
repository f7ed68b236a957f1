/** A group comes as a whole or not at all. */
import { expect, test } from "vitest";
import type { GroupConfig } from "../../src/core/config.js";
import { createEngine } from "../../src/daemon/engine.js";
import { createGroups } from "../../src/daemon/groups.js";
import type { Outputs } from "../../src/daemon/outputs.js";
import { processConfig } from "../core/process-config.js";

const PAIR: GroupConfig = {
  kind: "program",
  name: "pair",
  priority: 999,
  processes: ["a", "b"].map((name) => processConfig({ name })),
};

test.each(["outputs", "onAdded"])(
  "where %s throws, nothing of a group stays, and it can come later",
  (place) => {
    let works = false;
    const breakAt = (where: string): void => {
      if (where === place && !works) throw new Error(`${where} is broken`);
    };
    using engine = createEngine({
      log: { log: () => undefined, enabled: () => false, reaped: () => undefined },
      spawn: () => ({ ok: false, spawnerr: "nothing is spawned here", killed: null }),
      reap: () => null,
      onStep: () => undefined,
      beforeKill: () => undefined,
    });
    const groups = createGroups({
      engine,
      outputs(_group, { name }) {
        if (name === "b") breakAt("outputs");
        return { path: () => null, close: () => undefined } as unknown as Outputs;
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
