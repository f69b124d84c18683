/** The package as others get it: packed, installed in a clean folder, and used in both module systems. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import * as imported from '@rocket-learning/sdk';
import { VERSION } from '@rocket-learning/sdk';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TSC = path.join(ROOT, 'node_modules/typescript/bin/tsc');

function run(folder: string, program: string, ...parameters: string[]): string {
  const done = spawnSync(program, parameters, { cwd: folder, encoding: 'utf8' });
  assert.equal(done.status, 0, `${program} ${parameters.join(' ')}\n${done.stdout}${done.stderr}`);
  return done.stdout;
}

describe('the packed package', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'rocket-consumer-'));
    // What is built is there already; to build it again would take it from under the other tests.
    run(ROOT, 'npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', folder);
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
    const install = ['install', '--offline', '--no-audit', '--no-fund', '--silent'];
    run(folder, 'npm', ...install, `./rocket-learning-sdk-${VERSION}.tgz`);
    cpSync(path.join(ROOT, 'test/consumer'), folder, { recursive: true });
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('holds the code, its types, and nothing of the tests', () => {
    const list = run(folder, 'tar', 'tzf', `rocket-learning-sdk-${VERSION}.tgz`).split('\n');
    const allowed =
      /^package\/(?:dist\/[\w/.-]+\.(?:js|cjs|mjs|d\.ts|d\.cts|d\.mts)|package\.json|README\.md|CHANGELOG\.md|LICENSE|)$/;
    assert.deepEqual(
      list.filter((name) => name !== '' && !allowed.test(name)),
      [],
    );
    for (const name of ['README.md', 'CHANGELOG.md', 'LICENSE', 'dist/index.d.cts', 'dist/index.d.mts']) {
      assert.ok(list.includes(`package/${name}`), name);
    }
  });

  test('needs no other package', () => {
    const installed = JSON.parse(run(folder, 'npm', 'ls', '--all', '--json')) as {
      dependencies: Record<string, object>;
    };
    assert.deepEqual(Object.keys(installed.dependencies), ['@rocket-learning/sdk']);
    assert.ok(!('dependencies' in (installed.dependencies['@rocket-learning/sdk'] ?? {})));
  });

  test('is the class itself for require, and the same class for import', () => {
    assert.equal(run(folder, 'node', 'require.cjs'), 'function function true function\ntrue true\n');
  });

  test('can be imported', () => {
    assert.equal(run(folder, 'node', 'import.mjs'), 'function function function function\n');
  });

  const files = ['typed.mts', 'typed.cts', 'interop.ts'];
  const settings = {
    'ES modules and CommonJS': { module: 'node16', files },
    'bundlers': { module: 'esnext', moduleResolution: 'bundler', files: ['interop.ts'] },
    'old settings': {
      module: 'commonjs',
      moduleResolution: 'node10',
      esModuleInterop: true,
      files: ['interop.ts'],
    },
  };
  for (const [name, { files, ...options }] of Object.entries(settings)) {
    test(`has types for ${name}, also without those of Node.js`, () => {
      const base = { noEmit: true, strict: true, target: 'es2022', lib: ['es2022', 'dom'], types: [] };
      // The package's own types are checked along: skipLibCheck is off.
      const config = { compilerOptions: { ...base, ...options }, files };
      writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config));
      run(folder, process.execPath, TSC);
    });
  }
});

test('the version is the one of package.json', () => {
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  assert.equal(VERSION, version);
});

test('every name that can be imported is a type or a value for CommonJS too', () => {
  const declared = readFileSync(path.join(ROOT, 'src/index.cts'), 'utf8').matchAll(/export type (\w+)/g);
  const types = new Set([...declared].map(([, name]) => name));
  const sources = ['exports.ts', 'types.ts']
    .map((name) => readFileSync(path.join(ROOT, 'src', name), 'utf8'))
    .join('\n');
  const lists = [...sources.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(
    ([, list = '']) => list.match(/\w+/g) ?? [],
  );
  const own = [...sources.matchAll(/^export (?:interface|type) (\w+)/gm)].map(([, name]) => name);
  const values = new Set(
    Object.entries(imported)
      .filter(([, value]) => !isClass(value))
      .map(([name]) => name),
  );
  assert.deepEqual(
    [...lists, ...own].filter((name) => !types.has(name) && !values.has(name ?? '')),
    [],
  );
});

function isClass(value: unknown): boolean {
  return typeof value === 'function' && value.toString().startsWith('class');
}
