// @ts-check
import { runSource } from './run-source.mjs';

await runSource('services/demo/src/start.ts');
