import { useEffect, useState } from 'preact/hooks';
import { durationText } from '@mgm/protocol';

const TICK_MS = 500;

interface CountdownProps {
  readonly leftMs: number;
  /** When that was measured, on the clock of `performance.now`. */
  readonly atMono: number;
}

/** The rest of a lease or a grace time, counted down between two measurements. */
export function Countdown({ leftMs, atMono }: CountdownProps) {
  const [now, setNow] = useState(performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return <>{durationText(Math.max(0, leftMs - Math.max(0, now - atMono)))}</>;
}
