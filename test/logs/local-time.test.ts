/** Local time is libc's, whatever form TZ has: date(1) tells the same. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { boot } from "../support/boot.js";

const MODULE = new URL("../../dist/logs/local-time.js", import.meta.url);

const ZONES = [
  "UTC",
  "Asia/Seoul",
  ":Europe/Berlin",
  "CST-8",
  "EST5EDT",
  "CET-1CEST,M3.5.0,M10.5.0/3",
  "EST5EDT,M3.2.0,M11.1.0",
  "<+0330>-3:30",
  "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",
];

/** Winter, summer, both sides of both changes of Central Europe in 2026, before the epoch, after 2038. */
const MOMENTS = [
  0,
  -86_400,
  1_767_225_600,
  1_783_000_000,
  1_774_746_000 - 1,
  1_774_746_000,
  1_792_890_000 - 1,
  1_792_890_000,
  2_300_000_000,
];

const SHOW = `
import { localTime } from ${JSON.stringify(MODULE.href)};
for (const at of ${JSON.stringify(MOMENTS)}) console.log(localTime(at).toISOString().slice(0, 19));
`;

test.each(ZONES)("TZ=%s", (TZ) => {
  const env = { ...process.env, TZ };
  const ours = execFileSync(process.execPath, ["--input-type=module", "-e", SHOW], { env, encoding: "utf8" });
  const dates = MOMENTS.map((at) =>
    execFileSync("date", ["-d", `@${at}`, "+%Y-%m-%dT%H:%M:%S"], { env, encoding: "utf8" }),
  );
  expect(ours).toBe(dates.join(""));
});

test("the activity log and status tell the time that date(1) tells", async () => {
  const env = { TZ: "<+0545>-5:45" };
  await using daemon = await boot("[program:a]\ncommand=/bin/true\nstartsecs=0\nautorestart=false\n", {
    env,
  });
  const { stop, description } = await daemon.state("a", "EXITED");
  const date = (format: string): string =>
    execFileSync("date", ["-d", `@${stop}`, format], {
      env: { ...env, PATH: process.env["PATH"] },
      encoding: "utf8",
    }).trim();
  expect(description).toBe(date("+%b %d %I:%M %p"));
  const line = readFileSync(join(daemon.dir, "main.log"), "utf8")
    .split("\n")
    .find((each) => each.includes("exited: a"));
  expect([date("+%Y-%m-%d %H:%M:%S"), after(date("+%Y-%m-%d %H:%M:%S"))]).toContain(line?.slice(0, 19));
});

/** The line is written once the end has been noted: a second may have passed. */
function after(time: string): string {
  return new Date(Date.parse(`${time.replace(" ", "T")}Z`) + 1000)
    .toISOString()
    .slice(0, 19)
    .replace("T", " ");
}
