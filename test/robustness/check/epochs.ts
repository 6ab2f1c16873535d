import { callsOf, changesOf, type Evidence, type Finding } from './evidence.ts';

/**
 * Epochs rise: from change to change over all logs, also across a loss of data; and from one reply to every call made after it.
 * Invariants I2 and I5.
 */
export function checkEpochs(evidence: Evidence): Finding {
  const problems: string[] = [];
  let highest = 0n;
  let checked = 0;
  for (const { event } of changesOf(evidence)) {
    const { type, epoch } = event;
    if (epoch === undefined || !/taken$|^resumed$/.test(type)) continue;
    checked++;
    if (BigInt(epoch) <= highest) {
      problems.push(`${evidence.router}: ${JSON.stringify(event)} after epoch ${highest}`);
    }
    highest = BigInt(epoch) > highest ? BigInt(epoch) : highest;
  }
  return { check: 'epochs', checked, problems: [...problems, ...fallingAnswers(evidence)] };
}

function fallingAnswers(evidence: Evidence): string[] {
  const takes = callsOf(evidence).flatMap(({ id, told, invokedMono, returnedMono }) =>
    told.told === 'taken' ? [{ id, epoch: BigInt(told.epoch), invokedMono, returnedMono }] : [],
  );
  const byReturn = takes.toSorted((a, b) => a.returnedMono - b.returnedMono);
  const problems: string[] = [];
  let answered = 0;
  let highest = { id: '', epoch: 0n };
  for (const take of takes.toSorted((a, b) => a.invokedMono - b.invokedMono)) {
    for (let next = byReturn[answered]; next && next.returnedMono < take.invokedMono;) {
      if (next.epoch > highest.epoch) highest = next;
      next = byReturn[++answered];
    }
    if (take.epoch <= highest.epoch) {
      problems.push(`${take.id} was given ${take.epoch}, after ${highest.id} had ${highest.epoch}`);
    }
  }
  return problems;
}
