/** A listener's protocol over a supervisor's death, killed at the one moment that could put the two out of step. */
import { expect, test } from "vitest";
import { remoteEvent } from "../../src/core/event.js";
import type { SavedPool } from "../../src/core/saved.js";
import { createEntry, type Entry, type Group } from "../../src/daemon/entry.js";
import { createEventBus, type EventBus } from "../../src/daemon/events.js";
import { parseConfig } from "../../src/daemon/parse-config.js";
import type { Run } from "../../src/daemon/run.js";
import { until } from "../support/until.js";

const CONF = `[supervisord]
[eventlistener:ears]
command=/bin/cat
events=REMOTE_COMMUNICATION
buffer_size=100
`;

interface Life {
  readonly bus: EventBus;
  readonly entry: Entry;
  /** What a supervisor that comes after a SIGKILL would find. */
  readonly written: () => SavedPool;
  /** The same some moments later. */
  readonly writtenLater: () => SavedPool;
  /** Events as its listener reads them. */
  readonly sent: string[];
  /** The records written so far, as JSON. */
  readonly records: string[];
  readonly restarted: string[];
}

interface Child {
  /** What becomes of a write; throws where its supervisor is killed in it. */
  readonly write?: () => void;
  /** It has read everything and waits for more. */
  readonly waits?: boolean;
}

function live(saved?: SavedPool, { write, waits = false }: Child = {}): Life {
  const parsed = parseConfig({ text: CONF, path: "/etc/supervisord.conf" });
  if (!parsed.ok) throw new Error("the conf is not right");
  const config = parsed.config.groups[0];
  const member = config?.processes[0];
  if (config?.kind !== "eventlistener" || member === undefined) throw new Error("there is no listener");
  const sent: string[] = [];
  const run: Partial<Run> = {
    waitsForInput: () => waits,
    writeStdin: (text) => {
      write?.();
      sent.push(text.split("\n").at(-1) ?? "");
      return "written";
    },
  };
  const outputs = { path: () => null } as unknown as Entry["outputs"];
  const entry: Entry = createEntry("ears", member, outputs, false);
  entry.run = run as Run;
  const process = { ...entry.process, state: { name: "RUNNING", pid: 7, since: 0 } } as unknown;
  entry.process = process as Entry["process"];
  const records: string[] = [];
  const restarted: string[] = [];
  let save: (() => SavedPool) | null = null;
  let written: SavedPool | undefined = saved;
  const bus = createEventBus({
    log: { log: () => undefined, enabled: () => false, reaped: () => undefined },
    identifier: () => "supervisor",
    serials: { next: 0 },
    onPool: (_name, make) => {
      save = make;
    },
    flush: () => {
      written = save?.() ?? written;
      if (save !== null) records.push(JSON.stringify({ is: "pool", name: "ears", pool: written }));
      save = null;
    },
    restart: (each) => restarted.push(each.name),
  });
  const group: Group = { name: "ears", config, processes: new Map([["ears", entry]]) };
  bus.addPool(config, group, null, saved);
  const found = (): SavedPool => {
    if (written === undefined) throw new Error("nothing was written");
    return written;
  };
  return {
    bus,
    entry,
    sent,
    records,
    restarted,
    written: found,
    writtenLater: () => {
      written = save?.() ?? written;
      return found();
    },
  };
}

/** The pipe of a listener's stdout, as two supervisors in a row see it. */
function pipe(text: string): { readonly bytes: () => Buffer; readonly take: (bytes: number) => void } {
  let left = Buffer.from(text);
  return {
    bytes: () => left,
    take: (bytes) => {
      left = left.subarray(bytes);
    },
  };
}

class Killed extends Error {}

function killedBefore(): never {
  throw new Killed();
}

const SAID = "RESULT 2\nOKREADY\n";

function busy(): Life {
  const first = live();
  const ready = pipe("READY\n");
  first.bus.heard(first.entry, ready.bytes(), ready.take);
  for (const text of ["one", "two", "three"]) first.bus.publish(remoteEvent("t", text));
  expect(first.sent).toEqual(["one"]);
  return first;
}

test("killed before what a listener said has left its pipe, nothing is heard twice", () => {
  const first = busy();
  const words = pipe(SAID);
  expect(() => first.bus.heard(first.entry, words.bytes(), killedBefore)).toThrow(Killed);
  const second = live(first.written());
  second.bus.heard(second.entry, words.bytes(), words.take);
  // Its answer counts once; it is ready, and gets the next event and no other.
  expect(words.bytes()).toHaveLength(0);
  second.bus.begin();
  expect(second.sent).toEqual(["two"]);
  const more = pipe(SAID);
  second.bus.heard(second.entry, more.bytes(), more.take);
  expect(second.sent).toEqual(["two", "three"]);
});

test("killed after it has left the pipe, nothing is taken for it that comes later", () => {
  const first = busy();
  const words = pipe(SAID);
  const takenThenKilled = (bytes: number): never => {
    words.take(bytes);
    throw new Killed();
  };
  expect(() => first.bus.heard(first.entry, words.bytes(), takenThenKilled)).toThrow(Killed);
  const second = live(first.written());
  second.bus.begin();
  expect(second.sent).toEqual(["two"]);
  const more = pipe(SAID);
  second.bus.heard(second.entry, more.bytes(), more.take);
  expect(second.sent).toEqual(["two", "three"]);
});

test("killed before an event reached its listener, it is sent again, unless the listener has it", () => {
  const first = live(undefined, { write: killedBefore });
  const ready = pipe("READY\n");
  first.bus.heard(first.entry, ready.bytes(), ready.take);
  expect(() => first.bus.publish(remoteEvent("t", "one"))).toThrow(Killed);

  const without = live(first.written(), { waits: true });
  without.bus.begin();
  expect(without.sent).toEqual(["one"]);

  const withIt = live(first.written());
  withIt.bus.begin();
  withIt.bus.publish(remoteEvent("t", "two"));
  expect(withIt.sent).toEqual([]);
  const words = pipe(SAID);
  withIt.bus.heard(withIt.entry, words.bytes(), words.take);
  expect(withIt.sent).toEqual(["two"]);
});

test("once it was written, it is not sent again to a listener that waits for more of it", () => {
  const second = live(busy().writtenLater(), { waits: true });
  second.bus.begin();
  expect(second.sent).toEqual([]);
});

/** All that was written since, in bytes. */
function writtenBy(life: Life, act: () => void): number {
  const before = life.records.length;
  act();
  return life.records.slice(before).join("").length;
}

const nothing = (): void => undefined;

test("a long answer that comes byte by byte is written down no more than a little", () => {
  const life = busy();
  const bytes = writtenBy(life, () => {
    life.bus.heard(life.entry, Buffer.from("RESULT 16777216\n"), nothing);
    for (let parts = 0; parts < 100; parts += 1)
      life.bus.heard(life.entry, Buffer.alloc(65536, "x"), nothing);
    for (let parts = 0; parts < 10_000; parts += 1) life.bus.heard(life.entry, Buffer.from("x"), nothing);
  });
  expect(bytes).toBeLessThan(16 * 1024);
});

test("so is a short one, whatever the event that it answers", () => {
  const life = live();
  life.bus.heard(life.entry, Buffer.from("READY\n"), nothing);
  const payload = "x".repeat(1024 * 1024);
  const once = writtenBy(life, () => life.bus.publish(remoteEvent("t", payload)));
  expect(once).toBeGreaterThan(payload.length);
  expect(once).toBeLessThan(1.1 * payload.length);
  const bytes = writtenBy(life, () => {
    for (const byte of "RESULT 4000\n") life.bus.heard(life.entry, Buffer.from(byte), nothing);
    for (let parts = 0; parts < 3999; parts += 1) life.bus.heard(life.entry, Buffer.from("x"), nothing);
    for (let others = 0; others < 20; others += 1) life.bus.publish(remoteEvent("t", "small"));
  });
  expect(bytes).toBeLessThan(16 * 1024);
});

test("nothing is written down of what a listener says that has broken the protocol", () => {
  const life = busy();
  life.bus.heard(life.entry, Buffer.from("nonsense\n"), nothing);
  const bytes = writtenBy(life, () => {
    for (let parts = 0; parts < 100; parts += 1)
      life.bus.heard(life.entry, Buffer.alloc(65536, "x"), nothing);
  });
  expect(bytes).toBe(0);
});

test("killed in the midst of a long answer: its event is given back, and the listener begins anew", () => {
  const first = busy();
  const answer = `RESULT 10000\n${"x".repeat(5000)}`;
  first.bus.heard(first.entry, Buffer.from(answer), nothing);
  const second = live(first.written());
  // The rest of it means nothing.
  second.bus.heard(second.entry, Buffer.from(`${"x".repeat(5000)}READY\n`), nothing);
  expect([second.sent, second.restarted]).toEqual([[], []]);
  // The listener may die before it has begun, too.
  const third = live(second.writtenLater());
  third.bus.begin();
  expect([third.sent, third.restarted]).toEqual([[], ["ears"]]);
  third.bus.changed(third.entry, {
    from: "STOPPED",
    to: "STARTING",
    expected: false,
    pid: 0,
    tries: 0,
  } as never);
  third.bus.heard(third.entry, Buffer.from("READY\n"), nothing);
  expect(third.sent).toEqual(["one"]);
});

test("killed in the midst of a short answer: it is heard to its end", () => {
  const first = busy();
  first.bus.heard(first.entry, Buffer.from("RESULT 2\n"), nothing);
  const second = live(first.written());
  second.bus.begin();
  second.bus.heard(second.entry, Buffer.from("OKREADY\n"), nothing);
  expect([second.sent, second.restarted]).toEqual([["two"], []]);
});

test("what goes on at once has the whole of a long answer", () => {
  const first = busy();
  first.bus.heard(first.entry, Buffer.from(`RESULT 10000\n${"x".repeat(5000)}`), nothing);
  const [whole] = first.bus.savePools(true);
  const second = live(whole);
  second.bus.begin();
  second.bus.heard(second.entry, Buffer.from("x".repeat(5000)), nothing);
  // The result was no OK, so the event comes again.
  second.bus.heard(second.entry, Buffer.from("READY\n"), nothing);
  expect([second.sent, second.restarted]).toEqual([["one"], []]);
});

test("a listener that rejects everything gets an event ten times at once, and then once a second", async () => {
  const life = live();
  using _bus = life.bus;
  const say = (text: string): void => life.bus.heard(life.entry, Buffer.from(text), () => undefined);
  say("READY\n");
  life.bus.publish(remoteEvent("t", "first"));
  life.bus.publish(remoteEvent("t", "second"));
  const began = performance.now();
  for (let answered = 0; answered < life.sent.length; answered += 1) say("RESULT 4\nFAILREADY\n");
  expect(life.sent).toEqual(Array.from({ length: 11 }, () => "first"));
  await until(() => life.sent.length === 12, "the next try", { everyMs: 5 });
  expect(performance.now() - began).toBeGreaterThan(900);
  say("RESULT 2\nOKREADY\n");
  expect(life.sent.slice(11)).toEqual(["first", "second"]);
});
