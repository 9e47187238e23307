#!/usr/bin/env node
// The program. Everything else returns; only here the process gets its exit code.
import { main } from './cli/program.ts';
import { standardOutput } from './cli/standard-output.ts';

process.exitCode = await main(process.argv);
// Node would wait for whoever reads the log, and that one may have stalled for good.
if (standardOutput.isBehind) process.exit();
