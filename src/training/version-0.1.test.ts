// What version 0.1 wrote is read as it was meant: recipes, the parameters of a network, and where they start. The golden file was made by it.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { componentsOf } from './extensions.js';
import { startingValues } from './network.js';
import { parseRecipe, type Recipe } from './recipe.js';
import { builtInRecipe } from './recipes.js';
import { buildStep } from './step-graph.js';

interface Golden {
  /** First 16 digits of SHA-256: of each built-in recipe's JSON. */
  readonly recipes: Readonly<Record<string, string>>;
  /** The same of the specs and the starting values, for 1,100 identities. */
  readonly starts: Readonly<Record<string, { readonly specs: string; readonly values: string }>>;
  /** A run's recipe.json. */
  readonly recipe: object;
}
const golden = JSON.parse(readFileSync(new URL('./version-0.1.golden.json', import.meta.url), 'utf8')) as Golden;

const digest = (...parts: (string | Uint8Array)[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex').slice(0, 16);
};

/** Fields that have come since, each with the default that leaves everything as it was. */
const added = {
  network: { batchNorm: false, statisticsMomentum: 0.1, squeeze: null, dropout: 0 },
  solver: { backboneRate: 1, precision: 'float32', classifier: 'dense', sampleRate: 1 },
  data: {
    fit: 'exact',
    lowResolution: null,
    jpeg: null,
    cutOut: null,
    subset: { identities: null, maximumImages: null, scarce: null, seed: 1 },
  },
  log: { snapshots: null },
} as const;

/** A recipe as version 0.1 would have it. */
function earlier(recipe: Recipe): unknown {
  const without = <T extends object>(section: T, fields: object): unknown => {
    expect(section).toMatchObject(fields);
    return Object.fromEntries(Object.entries(section).filter(([field]) => !(field in fields)));
  };
  const { validation, ...others } = recipe;
  expect(validation).toBeNull();
  return {
    ...others,
    network: without(recipe.network, added.network),
    solver: without(recipe.solver, added.solver),
    data: without(recipe.data, added.data),
    log: without(recipe.log, added.log),
  };
}

describe('version 0.1', () => {
  it('had the same built-in recipes, field by field and in this order', () => {
    const now = Object.keys(golden.recipes).map((name) => [name, digest(JSON.stringify(earlier(builtInRecipe(name))))]);
    expect(Object.fromEntries(now)).toEqual(golden.recipes);
  });

  it("wrote recipe.json files that are recipes, with nothing to add to them; without a network's type sfnet is meant", () => {
    expect(JSON.stringify(earlier(parseRecipe(golden.recipe)))).toBe(JSON.stringify(golden.recipe));
    expect(parseRecipe({ network: { depth: 4 } }).network).toMatchObject({ type: 'sfnet', depth: 4 });
  });

  it.each(Object.keys(golden.starts))('had the same parameters, starting at the same bits: %s', (name) => {
    const recipe = builtInRecipe(name);
    const { specs } = buildStep({ ...recipe, solver: { ...recipe.solver, batchSize: 8 } }, 1100);
    const of = specs.map(({ name, shape, learningRateMultiplier = 1, decayMultiplier = 1 }) =>
      JSON.stringify([name, shape, learningRateMultiplier, decayMultiplier]),
    );
    expect(digest(of.join('\n'))).toBe(golden.starts[name].specs);
    const values = startingValues(specs, recipe, componentsOf(recipe).margin);
    const bytes = (data: Float32Array) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    expect(digest(...[...values].flatMap(([name, data]) => [name, bytes(data)]))).toBe(golden.starts[name].values);
  });
});
