#!/usr/bin/env node
// The program. Everything else returns; only here the process gets its exit code.
import { main } from './cli/program.js';
import { standardOutput } from './cli/standard-output.js';
// kafkajs asks for timers that lie in the past, of which Node 24 tells at every connection. It means nothing.
process.removeAllListeners('warning');
process.on('warning', ({ name, message }) => {
    if (name !== 'TimeoutNegativeWarning')
        process.stderr.write(`${name}: ${message}\n`);
});
process.exitCode = await main(process.argv);
// Node would wait for whoever reads the log, and that one may have stalled for good.
if (standardOutput.isBehind)
    process.exit();
