// @ts-check
import { runSource } from './run-source.mjs';

await runSource('test/robustness/mutations/run.ts');
