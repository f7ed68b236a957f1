#!/usr/bin/env node
import { main } from "../dist/daemon/main.js";

const io = {
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
};
process.exit(await main(process.argv.slice(1), io));
