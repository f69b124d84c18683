/** What is still to be done when the process ends. */

/** Something that has work left. */
export interface Pending {
  /** Sends what waits now. */
  flush(): Promise<void>;
  /** Sends what waits, and gives up what can't be sent. */
  close(): Promise<void>;
  /** Gives everything up, at once. */
  abandon(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
// Supervisors kill what doesn't end in some ten seconds.
const LONGEST_CLOSE_MS = 5_000;

const pending = new Set<Pending>();

/** From now on, `one` is looked after when the process ends. */
export function closeAtExit(one: Pending): void {
  if (pending.size === 0) {
    process.on('beforeExit', onBeforeExit);
    process.on('exit', onExit);
    for (const signal of SIGNALS) process.prependListener(signal, onSignal);
  }
  pending.add(one);
}

/** It has nothing left to do. */
export function forgetAtExit(one: Pending): void {
  if (!pending.delete(one) || pending.size > 0) return;
  process.off('beforeExit', onBeforeExit);
  process.off('exit', onExit);
  ignoreSignals();
}

function ignoreSignals(): void {
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

/** The program has nothing left to do but this, so there is time. */
function onBeforeExit(): void {
  for (const one of pending) void one.close();
}

/** `process.exit()`, or an error that nobody caught: nothing asynchronous happens any more. */
function onExit(): void {
  for (const one of pending) one.abandon();
}

/**
 * Somebody asks the process to end. Where the program listens too, it decides when; else it ends as if nobody
 * had listened, a little later. A second signal isn't held up.
 */
function onSignal(signal: NodeJS.Signals): void {
  ignoreSignals();
  if (process.listenerCount(signal) > 0) {
    for (const one of pending) void one.flush();
    return;
  }
  const end = (): void => {
    onExit();
    process.kill(process.pid, signal);
  };
  const timer = setTimeout(end, LONGEST_CLOSE_MS);
  void Promise.all([...pending].map((one) => one.close())).then(() => {
    clearTimeout(timer);
    end();
  });
}
