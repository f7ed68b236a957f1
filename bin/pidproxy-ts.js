#!/usr/bin/env node
import { main } from "../dist/pidproxy/main.js";

process.exit(await main(process.argv.slice(1), { stdout: (text) => process.stdout.write(text) }));
