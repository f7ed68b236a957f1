/**
 * What the scenarios must come by: every method, command, event type, option and key that our own tables hold,
 * and every text of texts.ts. Words in comments don't count, nor do lists of names that nobody plays.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseSupervisorctlArgs, parseSupervisordArgs } from "../../src/config/commandline.js";
import * as options from "../../src/config/options.js";
import { EVENT_NAMES, type EventType, subscribes } from "../../src/core/event.js";
import { FAULTS } from "../../src/core/faults.js";
import { STATECODES } from "../../src/core/process.js";
import { COMMANDS } from "../../src/ctl/commands.js";
import { DAEMON_METHODS } from "../../src/rpc/daemon-methods.js";
import { INFO_METHODS } from "../../src/rpc/info.js";
import { LOG_METHODS } from "../../src/rpc/log-methods.js";
import { PROCESS_METHODS } from "../../src/rpc/process-methods.js";
import { systemMethods } from "../../src/rpc/system-methods.js";
import { needs } from "../support/needs.js";
import { listScenarios } from "./list-scenarios.js";
import { TEXTS } from "./texts.js";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** The code of each scenario file, without its comments. */
const sources: ReadonlyMap<string, string> = new Map(
  readdirSync(HERE)
    .filter((name) => name.endsWith(".test.ts") && name !== "coverage.test.ts")
    .map((name) => [name, withoutComments(readFileSync(`${HERE}${name}`, "utf8"))]),
);
const everything = [...sources.values()].join("\n");
/** Confs of daemons that run: what is refused shows no key at work. */
const played = [...sources]
  .flatMap(([name, text]) => (name.startsWith("config-errors") ? [] : [text]))
  .join("\n");

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/ .*$/gm, "$1");
}

function missing(items: Iterable<string>, shown: (item: string) => boolean): readonly string[] {
  return [...items].filter((item) => !shown(item));
}

const quoted = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

describe("the conformance scenarios come by", () => {
  test("every XML-RPC method, by a call", () => {
    const dispatcher = { call: () => null, methods: () => new Map() };
    const supervisor = [DAEMON_METHODS, PROCESS_METHODS, LOG_METHODS, INFO_METHODS].flatMap(Object.keys);
    const names = [
      ...supervisor.map((name) => `supervisor.${name}`),
      ...Object.keys(systemMethods(dispatcher)).map((name) => `system.${name}`),
    ];
    expect(names).toHaveLength(41);
    const called = (name: string): boolean =>
      new RegExp(
        String.raw`(?:\brpc\(|\bcall\([^,()]*,|\bask\(|methodName: |<methodName>|\[)\s*"?${quoted(name)}["<]`,
      ).test(everything);
    expect(missing(names, called)).toEqual([]);
  });

  test("every command of supervisorctl, by running it", () => {
    const names = [...COMMANDS.keys(), "help"].filter((name) => !BEYOND.has(name));
    expect(names).toHaveLength(22);
    const run = (name: string): boolean =>
      new RegExp(
        String.raw`\b(?:ctl|shell|talk|bareCtl|ask|url)\((?:[^()]|\([^()]*\))*?"(?:[^"]*\\n)?${name}(?=[" \\])`,
      ).test(everything);
    expect(missing(names, run)).toEqual([]);
  });

  test("every type of event, by a listener that got it", () => {
    expect(EVENT_NAMES).toHaveLength(27);
    const types = EVENT_NAMES.filter((name) => !isAbstract(name) && name !== "TICK_3600");
    expect(missing(types, (name) => TEXTS[`brings ${name}`] !== undefined)).toEqual([]);
    // That one comes once an hour: it is subscribed to.
    expect(everything).toMatch(/"TICK_3600"/);
    // And one scenario has a pool for each name, abstract ones too.
    expect(sources.get("listeners.test.ts")).toMatch(/EVENT_NAMES\.map\(\s*\(type\) =>\s*answering\(/);
  });

  test("every key of the conf, in a conf that is played", () => {
    const tables = Object.entries(options).filter(([name]) => /_OPTIONS?$/.test(name));
    expect(tables.length).toBeGreaterThanOrEqual(14);
    const keys = new Set([
      ...tables.flatMap(([, table]) => Object.keys(table)),
      "files",
      "supervisor.ctl_factory",
    ]);
    const factories = [options.RPCINTERFACE_FACTORY_KEY];
    const set = (key: string): boolean =>
      new RegExp(String.raw`(?:^|\\n|["'\`])\s*${quoted(key)}\s*(?:=|: )`, "m").test(played);
    expect(
      missing(
        [...keys, ...factories].filter((key) => !REFUSED_ONLY.has(key)),
        set,
      ),
    ).toEqual([]);
  });

  test("every option of both command lines", () => {
    const host = { env: {} } as never;
    const long = (help: string): readonly string[] =>
      [...help.matchAll(/--([a-z_]+)/g)].map(([, name]) => name ?? "");
    const daemon = parseSupervisordArgs(["-h"], host);
    const client = parseSupervisorctlArgs(["-h"], host);
    const rows = (args: typeof daemon | typeof client): readonly (readonly string[])[] =>
      args.kind === "help"
        ? args.text
            .split("\n")
            .filter((line) => line.startsWith("-"))
            .map((line) => [...(line.match(/^-\w\b/) ?? []), ...long(line).map((name) => `--${name}`)])
        : [];
    const all = [...rows(daemon), ...rows(client)];
    expect(all.length).toBeGreaterThanOrEqual(27);
    const used = (names: readonly string[]): boolean =>
      names.some((name) => new RegExp(`"${name}["=]`).test(everything));
    expect(all.filter((names) => !used(names) && !names.some((name) => BEYOND.has(name)))).toEqual([]);
  });

  test("every state, and every fault", () => {
    const word = (name: string): boolean => new RegExp(String.raw`\b${name}\b`).test(everything);
    expect(missing(Object.keys(STATECODES), word)).toEqual([]);
    const faults = Object.entries(FAULTS).filter(([name]) => name !== "SUCCESS");
    const told = ([name, code]: readonly [string, number]): boolean =>
      Object.keys(TEXTS).some((text) => text.startsWith(`${code} ${name}`));
    expect(faults.filter((fault) => !told(fault))).toEqual([]);
  });
});

/** What Supervisor doesn't have, so that there is nothing to compare: each has its own integration test. */
const BEYOND: ReadonlySet<string> = new Set(["upgrade", "--respawn"]);

/** Whether other types belong to it. */
function isAbstract(name: string): boolean {
  return EVENT_NAMES.some((other) => other !== name && subscribes(new Set([name]), other as EventType));
}

/** What a conf can only get wrong, since Python's plugins are not loaded. */
const REFUSED_ONLY: ReadonlySet<string> = new Set(["supervisor.ctl_factory"]);

/** A scenario that is skipped is not listed. */
const { test: withAll } = needs("supervisor", "python3-pexpect");

describe("the table of texts", () => {
  withAll("names scenarios that exist", { timeout: 400_000 }, () => {
    const scenarios = listScenarios();
    expect(missing(new Set(Object.values(TEXTS)), (name) => scenarios.has(name))).toEqual([]);
    expect(Object.keys(TEXTS).length).toBeGreaterThanOrEqual(240);
  });

  test("is what scenarios look into", () => {
    // Each scenario looks for its own texts in what the reference gave: scenario.ts.
    expect(readFileSync(`${HERE}scenario.ts`, "utf8")).toContain("textsOf(");
  });

  withAll("there are at least 260 scenarios", { timeout: 400_000 }, () => {
    expect(listScenarios().size).toBeGreaterThanOrEqual(260);
  });
});
