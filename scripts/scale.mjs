// @ts-check
import { runSource } from './run-source.mjs';

await runSource('test/scale/scale.ts');
