/** Any program may be asked whether it can take over: the answer comes in time, and nothing of it stays. */
import { closeSync, openSync } from "node:fs";
import { expect, test } from "vitest";
import type { ExitCause } from "../../src/core/process.js";
import { preflight } from "../../src/daemon/preflight.js";
import { decodeWaitStatus, reapOne } from "../../src/posix/reap.js";
import { marked } from "../support/processes.js";
import { environment } from "../support/programs.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";

interface Asked {
  readonly dir: string;
  readonly patienceMs?: number;
  readonly signal?: AbortSignal;
}

async function ask(script: string, { dir, patienceMs = 20_000, signal }: Asked): Promise<void> {
  const stdin = openSync("/dev/null", "r");
  const ended: Promise<ExitCause>[] = [];
  try {
    await preflight({
      command: ["/bin/sh", "-c", script],
      env: Object.entries(environment(dir)).map(([name, value]) => `${name}=${value}`),
      stdin,
      patienceMs,
      signal: signal ?? new AbortController().signal,
      helperEnd(pid) {
        const end = until(() => reapOne(pid), "its end", { everyMs: 5 }).then(({ waitStatus }) =>
          decodeWaitStatus(waitStatus),
        );
        ended.push(end);
        return end;
      },
    });
  } finally {
    closeSync(stdin);
    await Promise.all(ended);
  }
}

test("yes is an end with status 0", async () => {
  using place = scratch();
  await expect(ask("echo warning; exit 0", place)).resolves.toBeUndefined();
});

test("no is what it said, or how it ended", async () => {
  using place = scratch();
  const cannot = "the installed version cannot take over: ";
  await expect(ask("echo one; echo; printf 'two\\033[1m\\n' >&2; exit 1", place)).rejects.toThrow(
    `${cannot}one; two[1m`,
  );
  await expect(ask("exit 3", place)).rejects.toThrow(`${cannot}exit status 3`);
  await expect(ask("kill -9 $$", place)).rejects.toThrow(`${cannot}terminated by SIGKILL`);
});

test("one that does not answer is killed in time, and all that it has started", async () => {
  using place = scratch();
  const deaf = "trap '' TERM INT HUP; echo loading; sleep 1000 & sleep 1000";
  await expect(ask(deaf, { ...place, patienceMs: 2000 })).rejects.toThrow(
    "the installed version cannot take over: no answer within 2 seconds; loading",
  );
  await until(() => marked(place.dir).length === 0, "nothing left");
});

test("one that has stopped itself is killed too", async () => {
  using place = scratch();
  await expect(ask("kill -STOP $$", { ...place, patienceMs: 500 })).rejects.toThrow("no answer within 0.5");
});

test("output without end is read, and its last lines are kept", async () => {
  using place = scratch();
  const much = "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); echo 0123456789; done; echo the reason; exit 1";
  const refused = await ask(much, place).catch((error: Error) => error.message);
  expect(refused).toMatch(/; 0123456789; the reason$/);
  expect(String(refused).length).toBeLessThan(8192);
});

test("a descendant that has left its group and holds its output does not hold the answer", async () => {
  using place = scratch();
  const leaver = `setsid sh -c 'echo left > ${place.dir}/left; exec sleep 1000' & until [ -e ${place.dir}/left ]; do sleep 0.01; done; exit 0`;
  await expect(ask(leaver, place)).resolves.toBeUndefined();
  expect(marked(place.dir)).toHaveLength(1);
});

test("when nobody wants the answer any more the question ends", async () => {
  using place = scratch();
  const leaving = new AbortController();
  const asked = ask("sleep 1000", { ...place, signal: leaving.signal });
  leaving.abort(new Error("supervisord is shutting down"));
  await expect(asked).rejects.toThrow(/^supervisord is shutting down$/);
  await expect(ask("exit 0", { ...place, signal: leaving.signal })).rejects.toThrow("shutting down");
  await until(() => marked(place.dir).length === 0, "nothing left");
});
