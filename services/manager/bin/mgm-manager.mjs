#!/usr/bin/env node
// @ts-check
import { existsSync } from 'node:fs';

// A checkout runs its sources, on the Node that the project installs. The published package has no sources.
const isCheckout = existsSync(new URL('../src/main.ts', import.meta.url));
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (isCheckout || major > 22 || (major === 22 && minor >= 18)) {
  const program = isCheckout ? '../../../scripts/manager.mjs' : '../dist/main.js';
  await import(new URL(program, import.meta.url).href);
} else {
  process.stderr.write(`mgm-manager: needs Node 22.18 or newer, this is ${major}.${minor}\n`);
  process.exitCode = 2;
}
