// Which file may import which: the layers of docs/architecture.md as rules, checked by `npm run lint`. Tests and `testing/` stand
// outside: they may reach anything, and eslint.config.js keeps the package from importing them.

/** The folders of `src/` from the ground up. A folder imports from those before it. */
const layers = [
  'common',
  'distributed',
  'graph',
  'runtime',
  'images',
  'nn',
  'losses',
  'models',
  'faces',
  'evaluation',
  'training',
  'synthetic',
  'pipeline',
  'web',
  'cli',
];

/** What a folder must not know although it lies further down. */
const unknownTo = {
  images: ['graph', 'runtime'],
  nn: ['images', 'runtime'],
  losses: ['images', 'runtime', 'nn'],
  // Of images it knows their names alone (images/finder.ts), not how embeddings are made of them.
  evaluation: layers.slice(1, layers.indexOf('evaluation')).filter((layer) => layer !== 'images'),
  cli: ['web'],
};

const anyOf = (names) => `(${names.join('|')})`;
export const core =
  '^(node:)?(assert|buffer|child_process|crypto|events|fs|http|https|module|net|os|path|process|stream|url|util|worker_threads|zlib)(/|$)';

/** Circles of imports that are meant. */
const arithmetic = '^src/graph/ops/(arithmetic|elementwise|layout|reduction)\\.ts$';

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...layers.map((layer, i) => {
      const above = [...layers.slice(i + 1), ...(unknownTo[layer] ?? [])];
      return {
        name: `layers-${layer}`,
        comment: `src/${layer}/ must not know ${above.join(', ')}: imports point down the layers only.`,
        severity: 'error',
        from: { path: `^src/${layer}/` },
        to: { path: above.length === 0 ? '^$' : `^src/(${above.join('|')})/|^src/[^/]+$` },
      };
    }),
    {
      name: 'layers-known',
      comment: 'A folder under src/ has its place in the list of layers (.dependency-cruiser.js).',
      severity: 'error',
      from: { path: `^src/(?!${anyOf(layers)}/)[^/]+/` },
      to: {},
    },
    {
      name: 'edges-import-index-files',
      comment: 'A command uses the library as everyone does: through the index file of a layer.',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: { path: '^src/(?!cli/)[^/]+/(?!index\\.ts$)' },
    },
    {
      name: 'web-imports-browser-files',
      comment: 'What a layer has for browsers is said in its browser.ts, or in its index file where that is all of it.',
      severity: 'error',
      from: { path: '^src/web/' },
      to: { path: '^src/(?!web/)[^/]+/(?!(index|browser)\\.ts$)' },
    },
    {
      name: 'no-node',
      comment: 'Runs in a browser: neither it nor what it imports needs Node.',
      severity: 'error',
      from: { path: '^src/(graph|nn|losses|evaluation)/', pathNot: '^src/evaluation/report/files\\.ts$' },
      to: { path: core, reachable: true },
    },
    {
      name: 'no-circle-of-files',
      comment: 'Files import each other in one direction; the arithmetic of the ops says why it cannot.',
      severity: 'error',
      from: { pathNot: arithmetic },
      to: { circular: true },
    },
    {
      name: 'no-circle-of-folders',
      comment: 'Folders import each other in one direction.',
      severity: 'error',
      scope: 'folder',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolvable',
      comment: 'An import that is not found would escape every rule above.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.test\\.ts$|^src/testing/' },
  },
};
