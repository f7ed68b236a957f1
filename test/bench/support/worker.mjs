/**
 * A worker that says through a FIFO that it runs, and the reading of it. The read blocks this process until the
 * word comes, so that nothing polls while time is taken.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, closeSync, constants, openSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { removeScratch, scratch } from "./scratch.mjs";

const CEILING_MS = 60_000;

/** The blocked thread can't watch itself: this one says a word in the worker's place when it takes too long. */
const WATCHDOG = `
const { workerData: { fd, since, ceiling } } = require("node:worker_threads");
const { writeSync } = require("node:fs");
setInterval(() => {
  const began = Number(Atomics.load(since, 0));
  if (began > 0 && Date.now() - began > ceiling) { Atomics.store(since, 0, 0n); writeSync(fd, "0\\n"); }
}, 1000);
`;

export function createWorker() {
  const dir = scratch("worker");
  const fifo = join(dir, "word.fifo");
  execFileSync("mkfifo", [fifo]);
  // Whichever user it runs as.
  chmodSync(dir, 0o755);
  chmodSync(fifo, 0o666);
  const script = join(dir, "worker.sh");
  writeFileSync(script, `echo $$ > ${fifo}\nexec sleep 1000000\n`);
  // Open both ways, so that neither side ever waits for the other to come.
  const fd = openSync(fifo, constants.O_RDWR);
  const since = new BigInt64Array(new SharedArrayBuffer(8));
  const watchdog = new Worker(WATCHDOG, { eval: true, workerData: { fd, since, ceiling: CEILING_MS } });
  watchdog.unref();
  const buffer = Buffer.alloc(64);

  return {
    command: `/bin/sh ${script}`,
    script,
    /** Blocks until a worker has begun to run; gives its pid. */
    next() {
      Atomics.store(since, 0, BigInt(Date.now()));
      const pid = Number.parseInt(buffer.toString("latin1", 0, readSync(fd, buffer)), 10);
      Atomics.store(since, 0, 0n);
      if (!(pid > 0)) throw new Error(`no worker ran within ${CEILING_MS / 1000} s`);
      return pid;
    },
    async stop() {
      await watchdog.terminate();
      closeSync(fd);
      removeScratch(dir);
    },
  };
}
