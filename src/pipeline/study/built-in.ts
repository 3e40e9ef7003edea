// The built-in studies: a demonstration on people who do not exist, the published experiments, and a controlled look at MHE on two cores.
import type { StudyInput } from './schema.js';

type Arms = StudyInput['arms'];
type ArmInput = Arms[string];
type QuestionInput = NonNullable<StudyInput['questions']>[number];

/** The paper's energy, s = 2 on distances, its gradient on the classifier `share` times as long as the classification's. */
function energy(share: number): string {
  return `loss.energy={form: riesz, s: 2, on: distance, pairs: batch-all, weight: {type: auto, share: ${share}}}`;
}

/** An energy whose value is logged and whose gradient is not felt: the control of the others. */
const noEnergy = energy(1e-9);

/** Levels of the energy that are compared. */
const shares = { none: [noEnergy], 'share-0.2': [energy(0.2)], 'share-2': [energy(2)] };
const shareNames = ['share-0.2', 'share-2'];

const demo: StudyInput = {
  name: 'demo',
  description: 'Does the energy help on 40 people who do not exist? Two minutes; needs nothing.',
  synthetic: { identities: 40, photosPerIdentity: 8 },
  validation: [{ holdOut: 0.2, pairsOfEachKind: 200 }],
  test: { holdOut: 0.3, pairsOfEachKind: 300 },
  seeds: 3,
  snapshots: 3,
  set: [
    'network={depth: 4, widths: [8, 16, 32, 64], embeddingSize: 64, inputPooling: 2, fillerGain: 2}',
    'loss.margin={type: a-softmax, m: 4, lambda: {base: 1000, gamma: 0.1, power: 2, minimum: 5}}',
    'solver={batchSize: 32, iterations: 120, baseLearningRate: 0.05, schedule: {type: cosine}}',
    'solver.warmUp.iterations=10',
    'data={shift: 2, light: 0.15}',
    'log.display=10',
  ],
  arms: { m4: { recipe: 'sphereface-m4-small', vary: { energy: shares } } },
  questions: [
    { ask: 'Does the energy change accuracy?', against: 'm4-none', arms: shareNames.map((name) => `m4-${name}`) },
  ],
};

/** The published repetitions by m. */
const repetitions = { 1: 5, 2: 8, 3: 8, 4: 10 } as const;
const margins = [1, 2, 3, 4] as const;

const published: StudyInput = {
  name: 'published',
  description:
    'The four published settings with their numbers of repetitions, and the control that was not published: the same fine-tune without energy. ' +
    'For CASIA-WebFace and a GPU. test.pairs and test.images are those of LFW view 2; validation those of pairsDevTrain.',
  validation: [{}],
  test: { protocol: '10-fold' },
  seeds: 1,
  snapshots: 8,
  arms: Object.fromEntries(
    margins.flatMap((m): [string, ArmInput][] => {
      const fineTune = {
        recipe: `sphereface-plus-m${m}`,
        from: `sphereface-m${m}`,
        fromSeed: 1,
        seeds: repetitions[m],
      };
      return [
        [`sphereface-m${m}`, { recipe: `sphereface-m${m}` }],
        [`fine-tune-m${m}`, { ...fineTune, set: ['loss.energy=null'] }],
        [`sphereface-plus-m${m}`, fineTune],
      ];
    }),
  ),
  questions: margins.map((m) => ({
    ask: `Does the released energy change accuracy at m = ${m}?`,
    against: `fine-tune-m${m}`,
    arms: [`sphereface-plus-m${m}`],
  })),
};

/** From scratch: 2,700 steps, half of the small recipe, so that five seeds of all arms take a night. */
const short = ['solver.iterations=2700', 'loss.margin.lambda.gamma=0.004'];

/** The forms of the energy that the papers have. */
const forms: Readonly<Record<string, string>> = {
  's0-distance': '{form: riesz, s: 0, on: distance, pairs: batch-all',
  's1-distance': '{form: riesz, s: 1, on: distance, pairs: batch-all',
  's2-distance': '{form: riesz, s: 2, on: distance, pairs: batch-all',
  's0-angle': '{form: riesz, s: 0, on: angle, pairs: batch-all',
  's1-angle': '{form: riesz, s: 1, on: angle, pairs: batch-all',
  's2-angle': '{form: riesz, s: 2, on: angle, pairs: batch-all',
  's2-half-space': '{form: riesz, s: 2, on: distance, space: half, pairs: batch-all',
};

const formLevels = Object.fromEntries(
  [0.2, 2].flatMap((share) =>
    Object.entries(forms).map(([name, form]): [string, string[]] => [
      `${name}-${share}`,
      [`loss.energy=${form}, weight: {type: auto, share: ${share}}}`],
    ]),
  ),
);
const hiddenLevels = Object.fromEntries(
  [1, 10].map((weight): [string, string[]] => [
    `hidden-${weight}`,
    [noEnergy, `loss.hiddenEnergy={form: riesz, s: 2, on: distance, weight: ${weight}}`],
  ]),
);

/** Data on which energy should matter, if it does. */
const scarcity: Readonly<Record<string, readonly string[]>> = {
  'five-images': ['data.subset.maximumImages=5'],
  imbalance: ['data.subset.scarce={share: 0.5, images: 3}'],
  '500-identities': ['data.subset.identities=500'],
};

const mheSmall: StudyInput = {
  name: 'mhe-small',
  description:
    'Does Minimum Hyperspherical Energy change accuracy? From scratch and as a fine-tune, by form, and where classes have few images; on two cores.',
  validation: [{ allowMissing: true }, { holdOut: 0.1, pairsOfEachKind: 1000 }],
  test: { allowMissing: true },
  seeds: 5,
  snapshots: 4,
  arms: {
    scratch: {
      recipe: 'sphereface-{m}-small',
      set: short,
      vary: { m: { m1: [], m2: [], m3: [], m4: [] }, energy: shares },
    },
    'fine-tune': {
      recipe: 'sphereface-plus-{m}-small',
      from: 'scratch-{m}-none',
      snapshots: 1,
      vary: {
        m: { m1: [], m2: [], m3: [], m4: [] },
        energy: { ...shares, released: ['loss.energy={form: caffe, type: among, alpha: 10}'] },
      },
    },
    form: {
      recipe: 'sphereface-m1-small',
      set: short,
      seeds: 3,
      vary: { form: { ...formLevels, ...hiddenLevels } },
    },
    scarce: {
      recipe: 'sphereface-m1-small',
      set: short,
      vary: { data: Object.fromEntries(Object.entries(scarcity).map(([k, v]) => [k, [...v]])), energy: shares },
    },
  },
  questions: [
    {
      ask: 'From scratch, {m}: does the energy change accuracy?',
      against: 'scratch-{m}-none',
      arms: shareNames.map((share) => `scratch-{m}-${share}`),
    },
    {
      ask: 'As a fine-tune, {m}: does the energy change accuracy?',
      against: 'fine-tune-{m}-none',
      arms: [...shareNames, 'released'].map((level) => `fine-tune-{m}-${level}`),
    },
    {
      ask: 'm = 1: which form of the energy changes accuracy?',
      against: 'scratch-m1-none',
      arms: [...Object.keys(formLevels), ...Object.keys(hiddenLevels)].map((form) => `form-${form}`),
    },
    ...Object.keys(scarcity).map((data): QuestionInput => ({
      ask: `m = 1, ${data}: does the energy change accuracy?`,
      against: `scarce-${data}-none`,
      arms: shareNames.map((share) => `scarce-${data}-${share}`),
    })),
  ],
};

/** Every built-in study by name. Those on real faces lack their data and pairs: `--set data=…`. */
export const builtInStudies: ReadonlyMap<string, StudyInput> = new Map(
  [demo, published, mheSmall].map((study) => [study.name, study]),
);
