// @ts-check
import { runSource } from './run-source.mjs';

await runSource('services/console/src/main.ts');
