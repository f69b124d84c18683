/** What all parts of the API have in common. */

import { pathPart } from '../checks.js';
import type { World } from '../config.js';
import { ValidationError } from '../errors.js';
import { Paged } from '../paging.js';
import { type Stamp, stampFor } from '../repeat.js';
import { type CallOptions, type Query, type Transport, encodePathPart } from '../transport.js';
import type { Page, PageOptions } from '../types.js';

/** What may be said about a call that counts once. */
export interface WriteOptions extends CallOptions {
  /** Your own key, under which the call counts once, for ever; made where it isn't given. */
  readonly idempotencyKey?: string | undefined;
}

/** A part of the API. */
export abstract class Resource {
  constructor(
    protected readonly transport: Transport,
    protected readonly world: World,
  ) {}

  protected read<T>(path: string, options: CallOptions = {}, query: Query = {}): Promise<T> {
    return this.transport.send<T>({ ...options, method: 'GET', path, query });
  }

  protected post<T>(path: string, body: unknown, options: WriteOptions = {}): Promise<T> {
    return this.transport.send<T>({ ...options, method: 'POST', path, body });
  }

  /** The same for what must count once: every try has the caller's key, or one that is made here. */
  protected postOnce<T>(path: string, body: unknown, options: WriteOptions): Promise<T> {
    const idempotencyKey = options.idempotencyKey || this.#newKey(path, body);
    return this.post<T>(path, body, { ...options, idempotencyKey });
  }

  #newKey(path: string, body: unknown): string {
    const { newId, now } = this.world;
    const make = (): Stamp => ({ id: newId(), time: new Date(now()).toISOString() });
    return stampFor(() => path + JSON.stringify(body), make).id;
  }

  protected pages<TPage extends Page, TRow>(
    path: string,
    filter: PageOptions,
    rows: (page: TPage) => readonly TRow[],
    options: CallOptions = {},
  ): Paged<TPage, TRow> {
    return new Paged(
      (cursor = filter.cursor) => this.read<TPage>(path, options, { ...filter, cursor }),
      rows,
    );
  }
}

/** A path with one part that comes from the caller; its name is that of the error that it may cause. */
export function pathOf(before: string, part: Readonly<Record<string, string>>, after = ''): string {
  const [[name, value] = ['', '']] = Object.entries(part);
  const message = pathPart(value);
  if (message !== null) throw new ValidationError([{ path: name, message }]);
  return before + encodePathPart(value) + after;
}
