// The rules on imports (.dependency-cruiser.js) catch what they forbid: each violation is planted in a small tree and must be found.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import extractDepcruiseConfig from 'dependency-cruiser/config-utl/extract-depcruise-config';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const rulesOn = (what: 'layers' | 'browser'): string =>
  fileURLToPath(
    new URL(what === 'layers' ? '../.dependency-cruiser.js' : '../.dependency-cruiser.browser.js', import.meta.url),
  );

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sphereface-layers-'));
});
afterEach(() => rm(root, { recursive: true }));

/** The names of the rules that a tree of files under `src/` breaks. */
async function broken(files: Readonly<Record<string, string>>, rules = rulesOn('layers')): Promise<string[]> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, 'src', path)), { recursive: true });
    await writeFile(join(root, 'src', path), text);
  }
  const { forbidden, options } = await extractDepcruiseConfig(rules);
  const { output } = await cruise(['src'], {
    ...options,
    tsConfig: undefined,
    baseDir: root,
    validate: true,
    ruleSet: { forbidden },
  });
  return [...new Set((output as ICruiseResult).summary.violations.map(({ rule }) => rule.name))].sort();
}

describe('the rules on imports', () => {
  it('find nothing in a tree that keeps them', async () => {
    const files = {
      'common/index.ts': "export * from './errors.js';",
      'common/errors.ts': 'export const error = 1;',
      'graph/index.ts': "export { error } from '../common/errors.js';",
      'models/index.ts':
        "import 'node:fs'; import type { error } from '../graph/index.js'; export type E = typeof error;",
      'cli/main.ts': "import '../models/index.js';",
      'graph/graph.test.ts': "import '../models/index.js';",
    };
    expect(await broken(files)).toEqual([]);
  });

  it.each([
    [
      'a layer that imports one above it',
      'layers-graph',
      { 'graph/a.ts': "import '../models/b.js';", 'models/b.ts': '' },
    ],
    [
      'a type of a layer above',
      'layers-graph',
      {
        'graph/a.ts': "import type { B } from '../models/b.js'; export type A = B;",
        'models/b.ts': 'export type B = 1;',
      },
    ],
    [
      'a dynamic import of a layer above',
      'layers-graph',
      { 'graph/a.ts': "export const b = () => import('../models/b.js');", 'models/b.ts': 'export {};' },
    ],
    ['a loss that knows a backbone', 'layers-losses', { 'losses/a.ts': "import '../nn/b.js';", 'nn/b.ts': '' }],
    [
      'a layer that imports the front door',
      'layers-pipeline',
      { 'pipeline/a.ts': "import '../index.js';", 'index.ts': '' },
    ],
    ['a folder without a place', 'layers-known', { 'stray/a.ts': "import '../common/b.js';", 'common/b.ts': '' }],
    [
      'a command that reaches past the index',
      'edges-import-index-files',
      { 'cli/a.ts': "import '../faces/b.js';", 'faces/b.ts': '' },
    ],
    [
      "the page's library that reaches past what is for browsers",
      'web-imports-browser-files',
      { 'web/a.ts': "import '../faces/b.js';", 'faces/b.ts': '' },
    ],
    [
      'Node behind the graph',
      'no-node',
      { 'graph/a.ts': "import '../common/b.js';", 'common/b.ts': "import 'node:fs/promises';" },
    ],
    [
      'two files that import each other',
      'no-circle-of-files',
      { 'pipeline/a.ts': "import './b.js';", 'pipeline/b.ts': "import './a.js';" },
    ],
    [
      'two folders that import each other',
      'no-circle-of-folders',
      {
        'pipeline/a/one.ts': "import '../b/one.js';",
        'pipeline/b/one.ts': '',
        'pipeline/b/two.ts': "import '../a/two.js';",
        'pipeline/a/two.ts': '',
      },
    ],
    ['an import that leads nowhere', 'no-unresolvable', { 'graph/a.ts': "import './nothing.js';" }],
  ] as const)('find %s', async (_, rule, files) => {
    expect(await broken(files)).toEqual([rule]);
  });
});

describe('the rule on browsers', () => {
  const behind = (code: string) => ({
    'web/index.ts': "export * from '../faces/browser.js';",
    'faces/browser.ts': "export * from './align.js';",
    'faces/align.ts': "import type { A } from './node.js'; export const a: A | undefined = undefined;",
    'faces/node.ts': "import { stat } from 'node:fs'; export const a = stat; export type A = typeof stat;",
    ...(code === '' ? {} : { 'faces/align.ts': code }),
  });

  it('lets types of what needs Node pass, which bundlers never see', async () => {
    expect(await broken(behind(''), rulesOn('browser'))).toEqual([]);
  });

  it.each([
    ['Node', "export { a } from './node.js';"],
    ['Node, imported when it is needed', "export const a = () => import('./node.js');"],
  ])('finds %s behind it', async (_, code) => {
    expect(await broken(behind(code), rulesOn('browser'))).toEqual(['browser-without-node']);
  });
});
