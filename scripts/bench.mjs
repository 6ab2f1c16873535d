// @ts-check
import { runSource } from './run-source.mjs';

await runSource('test/bench/bench.ts');
