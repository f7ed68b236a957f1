#!/usr/bin/env node
const { main } = require("../dist/bin/pidproxy.cjs");

const io = { stdout: (text) => process.stdout.write(text) };
main(process.argv.slice(1), io).then((status) => process.exit(status));
