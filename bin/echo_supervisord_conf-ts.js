#!/usr/bin/env node
const { sampleConf } = require("../dist/bin/echo_supervisord_conf.cjs");

process.stdout.write(sampleConf());
