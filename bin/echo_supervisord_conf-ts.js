#!/usr/bin/env node
import { sampleConf } from "../dist/config/sample.js";

process.stdout.write(sampleConf());
