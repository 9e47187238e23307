#!/usr/bin/env node
// The program. Everything else returns; only here the process gets its exit code.
import { main } from './cli/program.ts';

process.exitCode = await main(process.argv);
