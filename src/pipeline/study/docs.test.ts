// docs/studies.md: its tables are the schema's, its study is one, and the built-in studies are valid once they have their data.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fieldTable, squeezed } from '../../testing/descriptor-tables.js';
import { examplesOf } from '../../testing/markdown-examples.js';
import { armsOf, questionsOf } from './arms.js';
import { builtInStudies } from './built-in.js';
import { planStudy } from './cells.js';
import type { StudyData } from './data.js';
import { loadStudy, parseStudy } from './load.js';
import { outlineStudy } from './outline.js';
import { armSchema, questionSchema, studySchema, testSchema } from './schema.js';
import { answersOf } from './sentences.js';
import { summariseStudy } from './summary.js';

const page = await readFile(new URL('../../../docs/studies.md', import.meta.url), 'utf8');
const data: StudyData = {
  training: { path: 'faces', images: 1, identities: 1, heldOut: 0, key: 'data' },
  validation: [],
  test: { name: 'test', pairs: 'test', images: undefined, allowMissing: false, field: 'test', key: 'test' },
};

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-study-docs-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe('docs/studies.md', () => {
  it.each([
    ['study', fieldTable(studySchema)],
    ['test', fieldTable(testSchema)],
    ['arm', fieldTable(armSchema)],
    ['question', fieldTable(questionSchema)],
  ])('has the fields of a %s', (_, table) => {
    expect(squeezed(page), 'docs/studies.md: replace the table by the one expected').toContain(squeezed(table));
  });

  it('shows a study with the arms that it names', async () => {
    const [{ code }] = examplesOf(page).filter(({ language }) => language === 'yaml');
    const path = join(scratch, 'energy.yaml');
    await writeFile(path, code);
    const study = await loadStudy(path, ['seeds=2']);
    expect(study.data).toBe(join(scratch, 'aligned'));
    const { arms, cells } = planStudy(await outlineStudy(study), data, scratch);
    expect(arms.map(({ name }) => name)).toEqual(['scratch', 'tuned-none', 'tuned-share-0.2', 'tuned-share-2']);
    expect(cells.map(({ name }) => name)).toEqual([1, 2].flatMap((seed) => arms.map(({ name }) => `${name}/${seed}`)));
    expect(new Set(cells.map(({ key }) => key)).size).toBe(8);
  });
});

const paths = ['data=faces', 'validation.0.pairs=a.txt', 'test.pairs=b.txt'];

describe('the built-in studies', () => {
  it.each([...builtInStudies.keys()])(
    '%s is valid, and its cells are different where their content is',
    async (name) => {
      const study = await loadStudy(name, name === 'demo' ? [] : paths);
      const { cells, questions, arms } = planStudy(await outlineStudy(study), data, scratch);
      expect(questions.length).toBeGreaterThan(0);
      // The form s = 2 on distances is what arms from scratch have as well: those cells are one.
      const shared = name === 'mhe-small' ? 2 * 3 : 0;
      expect(new Set(cells.map(({ key }) => key)).size).toBe(cells.length - shared);
      for (const { recipe } of cells) expect(recipe.log.snapshots).not.toBeNull();
      expect(arms.length).toBe({ demo: 3, published: 12, 'mhe-small': 53 }[name]);
    },
  );

  it('say what they lack', async () => {
    await expect(loadStudy('published')).rejects.toThrow(
      /validation\.0: expected either pairs[^]*data is missing|data is missing/,
    );
    await expect(loadStudy('none')).rejects.toThrow(/no study "none"[^]*demo, published, mhe-small/);
  });

  it('have the published numbers of repetitions', async () => {
    const arms = armsOf(await loadStudy('published', paths));
    const seeds = arms.filter(({ name }) => name.startsWith('sphereface-plus')).map((arm) => arm.seeds.length);
    expect(seeds).toEqual([5, 8, 8, 10]);
  });
});

describe('a study file', () => {
  const study = {
    name: 's',
    data: 'faces',
    validation: [{ holdOut: 0.1 }],
    test: { holdOut: 0.1 },
    arms: { a: { recipe: 'sphereface-m1-small' } },
  };
  const read = (changes: object) => parseStudy({ ...study, ...changes });
  it.each([
    [{ seeds: 'many' }, /seeds: expected how many seeds/],
    [{ validation: [{ holdOut: 0.1, pairs: 'x' }] }, /validation\.0: expected either pairs/],
    [{ test: { holdOut: 2 } }, /test\.holdOut/],
    [{ arms: {} }, /arms: expected an arm/],
    [{ arms: { a: { recipe: 'x', sett: [] } } }, /arms\.a: .*sett/],
    [{ arms: { a: { recipe: 'x', set: ['seed'] } } }, /arms\.a\.set\.0: expected path=value/],
    [{ arms: { a: { recipe: 'x', vary: { m: {} } } } }, /arms\.a\.vary\.m: expected a level/],
    [{ synthetic: {} }, /data is missing: .*but not both/],
  ])('is refused where it is wrong, by path: %j', (changes, message) => {
    expect(() => read(changes)).toThrow(message);
  });

  it.each([
    [{ b: { recipe: 'sphereface-plus-m1-small', from: 'c' } }, /starts from an arm that there is not[^]*got: c/],
    [{ b: { recipe: 'r', from: 'b' } }, /starts from itself/],
    [{ b: { recipe: 'r', from: 'c' }, c: { recipe: 'r', from: 'b' } }, /starts from itself, by way of/],
    [{ b: { recipe: 'r', from: 'a', seeds: [9] } }, /seeds that a does not have[^]*got: 9/],
    [{ b: { recipe: 'r', from: 'a', init: 'm' } }, /two starts/],
    [{ 'a-x': { recipe: 'r' }, a: { recipe: 'r', vary: { f: { x: [] } } } }, /Two arms are called a-x/],
  ])('is refused when its arms do not make sense: %j', (arms, message) => {
    expect(() => armsOf(read({ arms: { a: { recipe: 'sphereface-m1-small' }, ...arms } }))).toThrow(message);
  });

  it('is refused when a question or a fine-tune lacks its other side', async () => {
    const asked = read({ questions: [{ ask: 'q', against: 'a', arms: ['b'] }] });
    expect(() => questionsOf(asked, armsOf(asked))).toThrow(/questions\.0 asks about an arm[^]*got: b/);
    for (const [against, arms] of [
      ['a', ['a']],
      ['a', ['b', 'b']],
    ] as const) {
      const twice = read({
        arms: { a: { recipe: 'sphereface-m1-small' }, b: { recipe: 'sphereface-m2-small' } },
        questions: [{ ask: 'q', against, arms: [...arms] }],
      });
      expect(() => questionsOf(twice, armsOf(twice))).toThrow(/questions\.0 names the arm (a|b) twice/);
    }
    const startless = read({ arms: { a: { recipe: 'sphereface-plus-m1-small' } } });
    await expect(outlineStudy(startless)).rejects.toThrow(/fine-tune .* without a start/);
  });
});

it('an arm that is the control under another name is answered as that', async () => {
  const study = parseStudy({
    name: 's',
    data: 'faces',
    validation: [{ holdOut: 0.1 }],
    test: { holdOut: 0.1 },
    arms: {
      a: { recipe: 'sphereface-m1-small' },
      b: { recipe: 'sphereface-m1-small', set: ['log.display=7'] },
      c: { recipe: 'sphereface-m2-small' },
    },
    questions: [{ ask: 'q', against: 'a', arms: ['b', 'c'] }],
  });
  const summary = summariseStudy(planStudy(await outlineStudy(study), data, scratch), []);
  expect(summary.questions[0].identical).toEqual(['b']);
  expect(answersOf(summary)).toEqual([expect.stringMatching(/^b against a: the same runs under two names/)]);
});

describe('the key of a cell', () => {
  const keyOf = async (set: string[], more: object = {}) => {
    const study = parseStudy({
      name: 's',
      data: 'faces',
      validation: [{ holdOut: 0.1 }],
      test: { holdOut: 0.1 },
      seeds: 1,
      arms: { a: { recipe: 'sphereface-m1-small', set, ...more } },
    });
    return planStudy(await outlineStudy(study), data, scratch).cells[0].key;
  };
  it('changes with what decides the result, and with nothing else', async () => {
    const key = await keyOf([]);
    for (const same of [
      'name=other',
      'log.checkpoint=7',
      'log.display=7',
      'data.cacheMegabytes=1',
      'loss.energy=null',
      'seed=5',
    ]) {
      expect(await keyOf([same]), same).toBe(key);
    }
    const others = [
      ...['solver.iterations=10', 'loss.margin.m=2', 'data.subset.seed=2', 'loss.energy={form: riesz}'],
      ...['loss.hiddenEnergy={form: riesz, weight: 1}', 'log.snapshots=100', 'network.depth=4'],
    ];
    const keys = await Promise.all(others.map((set) => keyOf([set])));
    keys.push(await keyOf([], { seeds: [2] }), await keyOf([], { recipe: 'sphereface-m3-small' }));
    expect(new Set([key, ...keys]).size).toBe(keys.length + 1);
  });
});
