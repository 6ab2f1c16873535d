// @ts-check
import { runSource } from './run-source.mjs';

await runSource('packages/mgmctl/src/main.ts');
