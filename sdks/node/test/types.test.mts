/**
 * Writes which fields the types of each call have, as the compiler sees them. They are compared with the
 * server's OpenAPI document by ../conformance/parity.py.
 */

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

import { readCases } from './support/cases.mjs';

const CLIENT = fileURLToPath(new URL('../../dist/client.d.ts', import.meta.url));
const REPORT = new URL('../../../../build/sdks/node.types.json', import.meta.url);
const MAX_DEPTH = 8;

const program = ts.createProgram([CLIENT], {
  module: ts.ModuleKind.Node16,
  strict: true,
  target: ts.ScriptTarget.ES2022,
});
const checker = program.getTypeChecker();

function clientType(): ts.Type {
  const source = program.getSourceFile(CLIENT);
  assert.ok(source);
  const module = checker.getSymbolAtLocation(source);
  const client = module && checker.getExportsOfModule(module).find(({ name }) => name === 'RocketSDK');
  assert.ok(client);
  return checker.getDeclaredTypeOfSymbol(client);
}

function member(type: ts.Type, name: string): ts.Type {
  const symbol = type.getProperty(name);
  assert.ok(symbol, `there is no ${name}`);
  return checker.getTypeOfSymbol(symbol);
}

/** The method of a call, by its canonical name: `users.get_balance`. */
function signatureOf(call: string): ts.Signature {
  const method = call.split('.').reduce((type, name) => member(type, camelCase(name)), clientType());
  const [signature] = method.getCallSignatures();
  assert.ok(signature, call);
  return signature;
}

/** The fields that a caller can give, by their names on the wire. */
function requestFields(signature: ts.Signature): Set<string> {
  const names = new Set<string>();
  for (const parameter of signature.getParameters()) {
    const type = checker.getNonNullableType(checker.getTypeOfSymbol(parameter));
    if (isText(type) || checker.isArrayType(type)) names.add(snakeCase(parameter.name));
    else for (const name of fieldsOf(type).keys()) names.add(snakeCase(name));
  }
  return names;
}

/** The fields of what is answered, as dotted paths, with `[]` for the items of a list. */
function answerFields(signature: ts.Signature): Set<string> {
  const [answer] = checker.getTypeArguments(signature.getReturnType() as ts.TypeReference);
  assert.ok(answer);
  const paths = new Set<string>();
  collect(answer, '', 0, paths);
  return paths;
}

function collect(type: ts.Type, prefix: string, depth: number, paths: Set<string>): void {
  if (depth > MAX_DEPTH) return;
  for (const part of partsOf(type)) {
    if (checker.isArrayType(part)) {
      const [item] = checker.getTypeArguments(part as ts.TypeReference);
      if (item) collect(item, `${prefix.replace(/\.$/, '')}[].`, depth + 1, paths);
    } else {
      for (const [name, inner] of fieldsOf(part)) {
        paths.add(prefix + name);
        collect(inner, `${prefix}${name}.`, depth + 1, paths);
      }
    }
  }
}

/** The fields of an object, or of all that it may be. */
function fieldsOf(type: ts.Type): Map<string, ts.Type> {
  const objects = partsOf(type).filter((part) => !isText(part) && !checker.isArrayType(part));
  return new Map(
    objects.flatMap((object) =>
      object
        .getProperties()
        .map((property): [string, ts.Type] => [property.name, checker.getTypeOfSymbol(property)]),
    ),
  );
}

function partsOf(type: ts.Type): readonly ts.Type[] {
  const parts = type.isUnion() ? type.types : [type];
  return parts.filter((part) => (part.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) !== 0);
}

function isText(type: ts.Type): boolean {
  return (type.flags & ts.TypeFlags.StringLike) !== 0;
}

function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

test('every call of the shared cases tells the fields of its request and its answer', () => {
  const requests = readCases('urls')['requests'] as { call: string }[];
  const types = Object.fromEntries(
    [...new Set(requests.map(({ call }) => call))].map((call) => {
      const signature = signatureOf(call);
      const [request, answer] = [[...requestFields(signature)].sort(), [...answerFields(signature)].sort()];
      assert.ok(answer.length > 0, call);
      return [call, { request, answer }];
    }),
  );
  mkdirSync(new URL('.', REPORT), { recursive: true });
  writeFileSync(REPORT, `${JSON.stringify(types, null, 2)}\n`);
});
