/** Events that are collected and sent in batches. */

import { randomUUID } from 'node:crypto';

import { RocketSDK } from './client.js';
import { type DeadLetterOptions, type DeadLetterReason, bury } from './dead-letters.js';
import {
  ApiError,
  BufferClosedError,
  BufferFullError,
  CircuitOpenError,
  ConfigurationError,
} from './errors.js';
import { MAX_BATCH_EVENTS, prepareEvent } from './event.js';
import { type Pending, closeAtExit, forgetAtExit } from './exit.js';
import { isTransient } from './retry.js';
import type { BatchResult, LearningEvent, StampedEvent } from './types.js';

export interface EventBufferOptions extends DeadLetterOptions {
  /** Who sends; by default a client that is set up by `ROCKET_API_KEY` and `ROCKET_BASE_URL`. */
  readonly client?: RocketSDK | undefined;
  /** How many events may wait; 10,000 by default. */
  readonly capacity?: number | undefined;
  /** What becomes of an event beyond: a dead letter, or a BufferFullError for who adds it. */
  readonly overflow?: 'dead_letter' | 'raise' | undefined;
  /** Unix milliseconds; the system's clock by default. */
  readonly now?: (() => number) | undefined;
}

interface Waiting {
  readonly event: StampedEvent;
  /** When it was added, in Unix milliseconds. */
  readonly since: number;
}

/**
 * Sends events in batches: as soon as there are `maxSize`, and else when the oldest has waited for
 * `flushInterval` milliseconds.
 *
 * Events are sent in their order, one batch at a time. While the server can't be reached they wait; what it
 * refuses, what there is no room for, and what is left at the end becomes a dead letter. When the process ends,
 * the buffer is closed by itself.
 */
export class EventBuffer {
  readonly #options: EventBufferOptions;
  readonly #client: RocketSDK | undefined;
  readonly #capacity: number;
  readonly #now: () => number;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** The end of all that is being sent. */
  #sending: Promise<void> = Promise.resolve();
  /** How much of that isn't done yet. */
  #unfinished = 0;
  /** After an outage: when to try again, in Unix milliseconds. */
  #retryAt = 0;
  #closing: Promise<void> | undefined;

  constructor(
    readonly maxSize = 100,
    readonly flushInterval = 5_000,
    options: EventBufferOptions = {},
  ) {
    const { capacity = 10_000 } = options;
    if (!(Number.isInteger(maxSize) && maxSize >= 1 && maxSize <= MAX_BATCH_EVENTS)) {
      throw new ConfigurationError(`maxSize must be a whole number from 1 to ${MAX_BATCH_EVENTS}`);
    }
    if (!(flushInterval > 0 && flushInterval < 2 ** 31)) {
      throw new ConfigurationError('flushInterval must be more than 0 milliseconds, and less than 25 days');
    }
    if (!(capacity >= 1)) throw new ConfigurationError('capacity must be 1 or more');
    this.#options = options;
    this.#capacity = capacity;
    this.#now = options.now ?? Date.now;
    const sendsByItself = this.sendBatch !== EventBuffer.prototype.sendBatch;
    this.#client = options.client ?? (sendsByItself ? undefined : new RocketSDK());
    closeAtExit(this.#atExit);
  }

  /** What waits, the oldest first; those that are being sent among them. */
  get events(): readonly StampedEvent[] {
    return this.#waiting.map(({ event }) => event);
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /**
   * Takes an event, and stamps it with its time and id. Raises ValidationError for a wrong one,
   * BufferClosedError, and BufferFullError where `overflow` says so.
   */
  add(event: LearningEvent): void {
    if (this.#closing) throw new BufferClosedError();
    const stamped = this.#prepare(event);
    if (this.#waiting.length >= this.#capacity) {
      const error = new BufferFullError(this.#capacity);
      if (this.#options.overflow === 'raise') throw error;
      this.#bury(stamped, 'overflow', error);
      return;
    }
    this.#waiting.push({ event: stamped, since: this.#now() });
    if (this.#waiting.length >= this.maxSize) void this.tick();
    else this.startTimer();
  }

  /** Sends all that waits now. Resolves when that is done, as far as the server could be reached. */
  async flush(): Promise<void> {
    await this.#enqueue(() => this.#send(this.#waiting.length));
  }

  /** Sends all that waits, and takes no more; what can't be sent becomes a dead letter. */
  close(): Promise<void> {
    return (this.#closing ??= this.flush().then(() => {
      this.#abandon();
    }));
  }

  /** Sends one batch. To send it elsewhere, override this; a RocketError of the client's says what to do next. */
  sendBatch(events: readonly StampedEvent[]): Promise<Partial<BatchResult> | undefined> {
    if (!this.#client) throw new ConfigurationError('there is no client to send with');
    return this.#client.events.trackBatch(events);
  }

  /** Does what is due by now; the timer calls it. */
  async tick(): Promise<void> {
    // What is being sent at present looks by itself for more that is due.
    if (this.#unfinished > 0) return;
    // Timers may fire a millisecond early.
    if (this.#now() < this.#retryAt) this.startTimer();
    else await this.#enqueue(() => this.#send(0));
  }

  /** Waits for the oldest event to be due. The timer doesn't keep the process from ending. */
  startTimer(): void {
    if (this.#timer || this.#waiting.length === 0 || this.#closing) return;
    const delayMs = Math.max(this.#dueAt(), this.#retryAt) - this.#now();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.tick();
    }, delayMs).unref();
  }

  resetTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.startTimer();
  }

  /** When there is something to send: at once for a full batch, else when the oldest event has waited enough. */
  #dueAt(): number {
    const [oldest] = this.#waiting;
    if (!oldest) return Infinity;
    return this.#waiting.length >= this.maxSize ? 0 : oldest.since + this.flushInterval;
  }

  /** One after another, so that batches stay in order. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    this.#unfinished++;
    this.#sending = this.#sending.then(work).finally(() => {
      this.#unfinished--;
      this.resetTimer();
    });
    return this.#sending;
  }

  /** At least the first `count` events, and then what is due; up to the first outage. */
  async #send(count: number): Promise<void> {
    for (let left = count; left > 0 || this.#dueAt() <= this.#now(); left -= this.maxSize) {
      const batch = this.#waiting.slice(0, this.maxSize).map(({ event }) => event);
      if (!(await this.#sendOne(batch))) return;
    }
  }

  /** Whether this batch needs no more care: it was sent, or is dead. False in an outage. */
  async #sendOne(batch: readonly StampedEvent[]): Promise<boolean> {
    try {
      const answer = await this.sendBatch(batch);
      for (const { index, status, error } of answer?.results ?? []) {
        const event = batch[index];
        if (status !== 'failed' || !event) continue;
        this.#bury(event, 'rejected', new Error(error ?? 'the server did not say why'));
      }
      this.#retryAt = 0;
      this.#waiting.splice(0, batch.length);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 413 && batch.length > 1) {
        const middle = Math.ceil(batch.length / 2);
        return (await this.#sendOne(batch.slice(0, middle))) && (await this.#sendOne(batch.slice(middle)));
      }
      if (isTransient(error) || error instanceof CircuitOpenError) {
        this.#retryAt = this.#now() + this.flushInterval;
        return false;
      }
      this.#waiting.splice(0, batch.length);
      for (const event of batch) this.#bury(event, 'refused', error as Error);
      return true;
    }
  }

  #prepare(event: LearningEvent): StampedEvent {
    if (this.#client) return this.#client.events.prepare(event);
    return prepareEvent(event, { now: this.#now, newId: randomUUID }, { enabled: true, schema: null });
  }

  #bury(event: StampedEvent, reason: DeadLetterReason, error: Error | null): void {
    bury(event, reason, error, this.#options);
  }

  /** Everything that is left is dead. */
  #abandon(): void {
    clearTimeout(this.#timer);
    forgetAtExit(this.#atExit);
    for (const { event } of this.#waiting.splice(0)) this.#bury(event, 'closed', null);
  }

  readonly #atExit: Pending = {
    flush: () => this.flush(),
    close: () => this.close(),
    abandon: () => {
      this.#abandon();
    },
  };
}
