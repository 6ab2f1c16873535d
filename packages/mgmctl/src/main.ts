#!/usr/bin/env node
import { ExitCode } from './exit-code.ts';
import { processIo } from './io.ts';
import { runMgmctl } from './program.ts';

using io = processIo();
const exitCode = await runMgmctl(process.argv.slice(2), io);
process.exitCode = io.isReaderGone ? ExitCode.ok : exitCode;
