import { TestProcess } from '@mgm/test-support';
import { z } from 'zod';
import { RESTING } from './worker-setup.ts';

const PROGRAM = new URL('hostile.ts', import.meta.url);

/** The settings of the hostile process. */
export const hostileSetup = z.object({
  servers: z.array(z.string()),
  routers: z.array(z.string()),
  seed: z.number(),
  perSecond: z.number(),
});
type HostileSetup = z.infer<typeof hostileSetup>;

const counts = z.record(z.string(), z.number());
const hostileReport = z.object({ sent: counts, executed: counts });

/** The numbers of hostile requests by kind: those sent, and those that were executed. */
export type HostileReport = z.infer<typeof hostileReport>;

/** The hostile process of a run. */
export interface HostileFlood extends AsyncDisposable {
  /** Ends the flood and resolves to its report. */
  end(withinMs: number): Promise<HostileReport>;
}

/** Starts the flood of hostile requests. */
export function startHostileFlood(setup: HostileSetup): HostileFlood {
  const resting = Promise.withResolvers<void>();
  let report: HostileReport = { sent: {}, executed: {} };
  const program = TestProcess.node(PROGRAM, [JSON.stringify(setup)], {
    ipc: true,
    onMessage: (message) => {
      const parsed = hostileReport.safeParse(message);
      if (parsed.success) report = parsed.data;
      if (message === RESTING) resting.resolve();
    },
  });
  return {
    end: async (withinMs) => {
      program.send('rest');
      const ended = program.ended(withinMs).then(({ code, stderr }): never => {
        throw new Error(`the hostile process ended (${code})\n${stderr}`);
      });
      await Promise.race([resting.promise, ended]);
      await program.kill();
      return report;
    },
    [Symbol.asyncDispose]: () => program.kill(),
  };
}
