// @ts-check
import { runSource } from './run-source.mjs';

await runSource('services/manager/src/main.ts');
