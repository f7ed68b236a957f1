/**
 * One scenario, two daemons: the same play on the reference Supervisor and on ours, in the same run, and what
 * was seen must be the same. `SUPERVISORD_TS_CONFORMANCE=reference` plays everything twice on the reference
 * instead: a scenario that differs from itself is a mistake of the scenario. With `=python` only Python's
 * supervisorctl is used, on both daemons.
 */
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect } from "vitest";
import { needs } from "../support/needs.js";
import type { Client, Which } from "../support/programs.js";
import { scratch } from "../support/scratch.js";
import { scrub } from "./scrub.js";
import { type Stage, setStage } from "./stage.js";
import { textsOf } from "./texts.js";

export interface Difference {
  /** Why ours is not as the reference, for the table and docs/compatibility.md. */
  readonly reason: string;
  /** Whose doing it is. @default "daemon" */
  readonly of?: "daemon" | "client";
  /** What ours must give, made from what the reference gave. */
  readonly ours: (transcript: never) => unknown;
}

export interface Scenario {
  readonly area: Area;
  /** Sections besides the basic ones; `%(dir)s` stands for the scenario's own directory. */
  readonly conf?: string;
  /** More lines of [supervisord]. */
  readonly supervisord?: string;
  /** More lines of [unix_http_server]. */
  readonly server?: string;
  /** Files beside the conf, by relative name. */
  readonly files?: Readonly<Record<string, string>>;
  /** More words on the daemon's command line. */
  readonly args?: readonly string[];
  /** More of the environment; `%(dir)s` as in `conf`. */
  readonly env?: Readonly<Record<string, string>>;
  /** `user:password` of the harness' own calls. */
  readonly auth?: string;
  /** False: nothing is started; the play runs commands itself. */
  readonly boot?: boolean;
  /** True: played with both supervisorctls on both daemons. */
  readonly bothClients?: boolean;
  readonly differs?: Difference;
  play(stage: Stage): Promise<unknown>;
}

export const AREAS = [
  "config",
  "config errors",
  "supervision",
  "ordering",
  "logs",
  "daemon",
  "rpc",
  "http",
  "ctl",
  "events",
  "command line",
  "deliberate",
  "field",
] as const;
export type Area = (typeof AREAS)[number];

/** A scenario starts forty Pythons at times, which a busy machine with one processor needs minutes for. */
const SCENARIO_MS = 170_000;

const referenceOnly = process.env["SUPERVISORD_TS_CONFORMANCE"] === "reference";
const pythonOnly = process.env["SUPERVISORD_TS_CONFORMANCE"] === "python";
const report = process.env["SUPERVISORD_TS_CONFORMANCE_REPORT"];
const { test } = needs("supervisor");

interface Part {
  readonly which: Which;
  readonly client: Client;
}

export function scenario(name: string, script: Scenario): void {
  test.concurrent(name, { timeout: SCENARIO_MS + 10_000 }, async () => {
    let outcome: "same" | "explained" | "unexplained" = "unexplained";
    try {
      const [first, ...others] = parts(script);
      if (first === undefined) return;
      const played = await allOf([first, ...others].map((part) => perform(script, part)));
      const reference = played[0];
      const file = basename(expect.getState().testPath ?? "", ".test.ts");
      const shown = textIn(reference);
      for (const text of textsOf(`${file}: ${name}`))
        expect(shown, "what the reference gave").toContain(text);
      others.forEach((part, index) => {
        const ours = script.differs?.of === "client" ? part.client : part.which;
        const explained = ours === "ours" && script.differs !== undefined;
        const expected = explained ? script.differs?.ours(structuredClone(reference) as never) : reference;
        expect(played[index + 1], `${part.which} daemon, ${part.client} client`).toEqual(expected);
      });
      outcome = script.differs === undefined || referenceOnly ? "same" : "explained";
    } finally {
      if (report !== undefined) {
        const line = { name, area: script.area, outcome, reason: script.differs?.reason };
        appendFileSync(report, `${JSON.stringify(line)}\n`);
      }
    }
  });
}

/** All texts of a transcript, names of fields too. */
function textIn(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .flatMap(([name, item]) => [Array.isArray(value) ? "" : name, textIn(item)])
    .join("\n");
}

/** Waits for every part even when one fails, so that none is left running. */
async function allOf(plays: readonly Promise<unknown>[]): Promise<readonly unknown[]> {
  await Promise.allSettled(plays);
  return Promise.all(plays);
}

/** The first one sets the measure. */
function parts({ bothClients = false }: Scenario): readonly Part[] {
  const measure: Part = { which: "reference", client: "python" };
  if (referenceOnly) return [measure, measure];
  if (!bothClients || pythonOnly) return [measure, { which: "ours", client: "python" }];
  return [
    measure,
    { which: "reference", client: "ours" },
    { which: "ours", client: "python" },
    { which: "ours", client: "ours" },
  ];
}

async function perform(script: Scenario, { which, client }: Part): Promise<unknown> {
  using place = scratch();
  const { dir } = place;
  for (const [name, text] of Object.entries(script.files ?? {})) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text.replaceAll("%(dir)s", dir));
  }
  const stage = setStage(script, which, client, dir);
  writeFileSync(stage.conf, stage.confText(script.conf ?? ""));
  if (script.boot !== false) await stage.launch(script.args ?? []);
  return scrub(await Promise.race([script.play(stage), tooLong()]), dir);
}

/** Ends a play before the runner gives up on it, while what it started can still be ended. */
function tooLong(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error("Cannot wait longer for this scenario")), SCENARIO_MS).unref();
  });
}
