#!/usr/bin/env node
const { writeSync } = require("node:fs");
const { main } = require("../dist/bin/supervisorctl.cjs");

/** Whole or not at all, before the next line: output must survive the exit, and a closed pipe is quiet. */
function write(fd) {
  return (text) => {
    let bytes = Buffer.from(text);
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(writeSync(fd, bytes));
      } catch (error) {
        if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
        if (error.code !== "EAGAIN") throw error;
      }
    }
  };
}

function interrupted() {
  const controller = new AbortController();
  const abort = () => controller.abort();
  process.on("SIGINT", abort);
  return { signal: controller.signal, [Symbol.dispose]: () => process.off("SIGINT", abort) };
}

const io = { stdout: write(1), stderr: write(2), stdin: process.stdin, interrupted };
main(process.argv.slice(1), io).then((status) => process.exit(status));
