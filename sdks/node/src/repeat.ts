/** Work that is done again as a whole: what its calls are stamped with stays, so that they count once. */

import { AsyncLocalStorage } from 'node:async_hooks';

/** What makes a call recognisable. */
export interface Stamp {
  readonly id: string;
  /** RFC 3339. */
  readonly time: string;
}

/** The stamps of a piece of work, by what was stamped; equal calls have one each, in their order. */
type Stamps = Map<string, Stamp[]>;

interface Attempt {
  readonly stamps: Stamps;
  /** How many equal calls there were already in this attempt. */
  readonly seen: Map<string, number>;
}

const attempts = new AsyncLocalStorage<Attempt>();

/** Makes attempts at one piece of work. A call in it has the stamp that the same call had in the one before. */
export function repeatable<T>(work: () => T): () => T {
  const stamps: Stamps = new Map();
  return () => attempts.run({ stamps, seen: new Map() }, work);
}

/** What `make` makes; in a further attempt, what it made for the same call in the first one. */
export function stampFor(call: () => string, make: () => Stamp): Stamp {
  const attempt = attempts.getStore();
  if (!attempt) return make();
  const { stamps, seen } = attempt;
  const key = call();
  const number = seen.get(key) ?? 0;
  seen.set(key, number + 1);
  const made = stamps.get(key) ?? [];
  stamps.set(key, made);
  return (made[number] ??= make());
}
