#!/usr/bin/env node
// @ts-check
import { existsSync } from 'node:fs';

// What is published has no sources. In a checkout they run, whatever Node the machine has and whatever was built when.
const isCheckout = existsSync(new URL('../src/main.ts', import.meta.url));
const program = isCheckout ? '../../../scripts/mgmctl.mjs' : '../dist/main.js';
await import(new URL(program, import.meta.url).href);
