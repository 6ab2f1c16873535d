import { configTable } from '../src/mod.ts';

console.log(configTable());
