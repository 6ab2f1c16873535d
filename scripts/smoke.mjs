// @ts-check
import { runSource } from './run-source.mjs';

await runSource('test/smoke/smoke.ts');
