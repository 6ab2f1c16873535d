import { metricsTable } from '../src/mod.ts';

console.log(metricsTable());
