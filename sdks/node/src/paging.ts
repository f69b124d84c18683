/** Lists of the API: one page at a time, or all rows one after another. */

import type { Page } from './types.js';

/**
 * A list that is read when it is asked: `await` it for one page, or go through it with `for await`, which
 * fetches page after page.
 */
export class Paged<TPage extends Page, TRow> implements Promise<TPage>, AsyncIterable<TRow> {
  readonly [Symbol.toStringTag] = 'Paged';
  readonly #fetch: (cursor: string | undefined) => Promise<TPage>;
  readonly #rows: (page: TPage) => readonly TRow[];
  #first: Promise<TPage> | undefined;

  constructor(fetch: (cursor: string | undefined) => Promise<TPage>, rows: (page: TPage) => readonly TRow[]) {
    this.#fetch = fetch;
    this.#rows = rows;
  }

  then<TResult = TPage, TFailure = never>(
    onFulfilled?: ((page: TPage) => TResult | PromiseLike<TResult>) | null,
    onRejected?: ((reason: unknown) => TFailure | PromiseLike<TFailure>) | null,
  ): Promise<TResult | TFailure> {
    return this.#page().then(onFulfilled, onRejected);
  }

  catch<TFailure = never>(
    onRejected?: ((reason: unknown) => TFailure | PromiseLike<TFailure>) | null,
  ): Promise<TPage | TFailure> {
    return this.#page().catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<TPage> {
    return this.#page().finally(onFinally);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TRow, void, undefined> {
    let page = await this.#page();
    for (;;) {
      yield* this.#rows(page);
      if (page.next_cursor === null) return;
      page = await this.#fetch(page.next_cursor);
    }
  }

  #page(): Promise<TPage> {
    return (this.#first ??= this.#fetch(undefined));
  }
}
