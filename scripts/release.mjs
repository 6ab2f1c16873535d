// @ts-check
import { runSource } from './run-source.mjs';

await runSource('scripts/release.ts');
