#!/usr/bin/env node
import { ExitCode, OutputError } from './exit-code.ts';
import { processIo } from './io.ts';
import { reportError, runMgmctl } from './program.ts';

using io = processIo();
const argv = process.argv.slice(2);
const exitCode = await runMgmctl(argv, io);
const outcome = await io.outcome();
if (outcome === 'written') process.exitCode = exitCode;
else if (outcome === 'reader-gone') process.exitCode = ExitCode.ok;
else process.exitCode = reportError(new OutputError(outcome.message), argv, io);
