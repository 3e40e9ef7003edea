// Run by the test of placements in a process of its own: prepares steps for WebGPU with the runtime's most talkative log, which says on
// stderr where each node is placed. A line `case: TITLE` stands before what is said of each.
import { writeSync } from 'node:fs';
import ort from 'onnxruntime-node';
import { Session, useBackend } from '../runtime/index.js';
import { buildDevicePass } from '../training/device/device-step.js';
import { parseRecipe, type Recipe } from '../training/index.js';
import { extensions } from './extensions/index.js';
import { tinyRecipe } from './tiny-faces.js';

// The level counts from the first session on, and the package's own choice is silence.
ort.env.logLevel = 'verbose';
const InferenceSession = {
  create: (model: Uint8Array, options: object) =>
    ort.InferenceSession.create(model, { ...options, logSeverityLevel: 0 }),
} as typeof ort.InferenceSession;
useBackend({ ort: { ...ort, InferenceSession }, name: 'onnxruntime-node', providers: ['cpu', 'webgpu'] });
await import('./devices.js');

const base = tinyRecipe('solver.batchSize=4');
const { margin } = base.loss;
const pointwise = { type: 'pointwise' };
const auto = { type: 'auto', share: 0.25 };
const energy = { form: 'riesz', s: 2, pairs: 'batch-all', weight: auto };
const cases: Readonly<Record<string, object>> = {
  'sfnet, a-softmax, riesz': { loss: { margin, energy } },
  'mobilefacenet, a-softmax, riesz': {
    network: { type: 'mobilefacenet', embeddingSize: 8 },
    loss: { margin, energy },
  },
  ...Object.fromEntries(
    ['softmax', 'normalised-softmax', 'cosface', 'arcface', 'sphereface-r', 'sphereface2'].map((type) => [
      `a pointwise network, ${type}`,
      { network: pointwise, loss: { margin: { type } } },
    ]),
  ),
  ...Object.fromEntries(
    (
      [
        { form: 'caffe', alpha: 2 },
        { form: 'caffe', type: 'mean', alpha: 2 },
        { form: 'riesz', s: 1, on: 'radians', pairs: 'all' },
        { form: 'riesz', s: 0, on: 'angle', space: 'half', pairs: 'batch' },
      ] as const
    ).map((energy) => [
      `a pointwise network, ${JSON.stringify(energy)}`,
      { network: pointwise, loss: { margin: { ...margin, gradient: 'caffe' }, energy } },
    ]),
  ),
  'half precision: sfnet with batch normalisation and squeeze': {
    network: { ...base.network, batchNorm: true, squeeze: 4 },
    solver: { ...base.solver, precision: 'float16' },
  },
  'half precision: mobilefacenet': {
    network: { type: 'mobilefacenet', embeddingSize: 8 },
    solver: { ...base.solver, precision: 'float16' },
  },
  'several passes, all variations, clipped gradients': {
    network: pointwise,
    solver: { ...base.solver, iterSize: 2, clipNorm: 1 },
    data: { ...base.data, shift: 2, light: 0.2 },
  },
};

for (const [title, change] of Object.entries(cases)) {
  writeSync(2, `\ncase: ${title}\n`);
  const recipe: Recipe = parseRecipe({ ...base, ...change }, { extensions });
  const place = recipe.solver.iterSize === 1 ? 'only' : 'last';
  const target = { device: 'webgpu', precision: recipe.solver.precision } as const;
  const pass = buildDevicePass(recipe, 6, { place, target, frozen: new Map(), extensions });
  const session = await Session.create(pass.model, { device: 'webgpu', kept: [...pass.leadsTo.keys()] });
  await session.dispose();
}
