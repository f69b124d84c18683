/** Reads the cases that all SDKs share, runs them, and writes down which were passed. */

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';

const CASES = new URL('../../../../cases/', import.meta.url);
const REPORT = new URL('../../../../../build/sdks/node.cases.json', import.meta.url);

/** A decoded JSON object. */
export type Json = Record<string, unknown>;

interface Case {
  readonly name: string;
}

const passed = new Set<string>();
const failed = new Set<string>();

/** The content of a file of cases; `{"$time": "…"}` in it became a Date. */
export function readCases(file: string): Json {
  const text = readFileSync(new URL(`${file}.json`, CASES), 'utf8');
  return JSON.parse(text, (_, value: unknown) => {
    const time = (value as { $time?: string } | null)?.$time;
    return time === undefined ? value : new Date(time);
  }) as Json;
}

/** Runs each case of a list, which are of type T, as a test of its own. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- who reads JSON says what is in it
export function runCases<T>(file: string, list: string, run: (one: T & Case) => Promise<void> | void): void {
  const cases = readCases(file)[list] as (T & Case)[];
  describe(`${file}/${list}`, () => {
    for (const one of cases) {
      const id = `${file}/${list}/${one.name}`;
      test(one.name, async () => {
        failed.add(id);
        await run(one);
        failed.delete(id);
        passed.add(id);
      });
    }
  });
}

/** Writes the report that the parity table is made from, once all tests of this file have run. */
export function reportCases(): void {
  after(() => {
    mkdirSync(new URL('.', REPORT), { recursive: true });
    const report = { sdk: 'node', passed: [...passed].sort(), failed: [...failed].sort() };
    writeFileSync(REPORT, `${JSON.stringify(report, null, 2)}\n`);
  });
}

/** The ids of all cases that there are. */
export function allCases(): string[] {
  const files = readdirSync(CASES).filter((name) => name.endsWith('.json'));
  return files.flatMap((name) => {
    const file = name.replace('.json', '');
    const lists = Object.entries(readCases(file)).filter(([, list]) => isListOfCases(list));
    return lists.flatMap(([list, cases]) => (cases as Case[]).map(({ name }) => `${file}/${list}/${name}`));
  });
}

/** The ids of those that were run. */
export function casesRun(): string[] {
  return [...passed, ...failed];
}

function isListOfCases(list: unknown): boolean {
  return Array.isArray(list) && typeof (list[0] as Partial<Case> | undefined)?.name === 'string';
}
