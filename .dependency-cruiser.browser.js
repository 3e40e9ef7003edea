// What runs in a browser needs nothing of Node: neither its modules nor packages with native parts. Unlike the rules on layers this goes by
// what is left once types are erased, as a bundler does: a type of Node's side is allowed, its code is not.
import base, { core } from './.dependency-cruiser.js';

const native =
  '(^|/)node_modules/(sharp|onnxruntime-node|koffi|libheif-js|@cornerstonejs|modern-tar|hyparquet-writer)/';

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'browser-without-node',
      comment: 'sphereface-plus/web, and the browser.ts of each layer that it is made of, run in a browser.',
      severity: 'error',
      from: { path: '^src/web/|^src/[^/]+/browser\\.ts$' },
      to: { path: `${core}|${native}`, reachable: true },
    },
  ],
  options: { ...base.options, tsPreCompilationDeps: false },
};
