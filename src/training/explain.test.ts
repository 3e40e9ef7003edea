// What is said of a recipe's fields: each has a description, none is missing, and defaults are the schema's own.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { extensions } from '../testing/extensions/index.js';
import { explainRecipe } from './explain.js';
import { parseRecipe, type Recipe, recipeSchema, recipeSchemaOf } from './recipe.js';
import { builtInRecipe, builtInRecipes } from './recipes.js';

/** Puts values back at their paths. */
function rebuilt(fields: ReturnType<typeof explainRecipe>): unknown {
  const whole: Record<string, unknown> = {};
  for (const { path, value } of fields) {
    const keys = path.split('.');
    let at = whole;
    for (const key of keys.slice(0, -1)) at = (at[key] ??= {}) as Record<string, unknown>;
    at[keys.at(-1)!] = value;
  }
  return whole;
}

/** Paths of all fields of a JSON schema, in whatever member of a union, that say nothing of themselves. */
function undescribed(json: unknown, path = ''): string[] {
  const {
    properties = {},
    anyOf = [],
    oneOf = [],
  } = json as {
    properties?: Record<string, { description?: string }>;
    anyOf?: unknown[];
    oneOf?: unknown[];
  };
  return [
    ...Object.entries(properties).flatMap(([key, field]) => [
      ...((field.description ?? '').length > 5 ? [] : [`${path}.${key}`]),
      ...undescribed(field, `${path}.${key}`),
    ]),
    ...[...anyOf, ...oneOf].flatMap((member) => undescribed(member, path)),
  ];
}

describe('the fields of a recipe', () => {
  it('all have a description', () => {
    expect(undescribed(z.toJSONSchema(recipeSchema, { io: 'input' }))).toEqual([]);
    const silent = z.strictObject({ said: z.string().describe('Something.'), silent: z.string() });
    expect(undescribed(z.toJSONSchema(silent))).toEqual(['.silent']);
  });

  it.each([...builtInRecipes.values()].map((recipe) => [recipe.name, recipe] as const))(
    'are all there, in order: %s',
    (_, recipe) => {
      const fields = explainRecipe(recipe);
      expect(JSON.stringify(rebuilt(fields))).toBe(JSON.stringify(recipe));
      for (const { path, description } of fields) expect(description, path).toBeTruthy();
    },
  );

  it('have the defaults that an empty recipe gets', () => {
    for (const { path, value, default: usual } of explainRecipe(parseRecipe({}))) expect(usual, path).toEqual(value);
    const field = (recipe: Recipe, path: string) => explainRecipe(recipe).find((one) => one.path === path);
    expect(field(builtInRecipe('sphereface-m4-small'), 'solver.schedule.type')).toMatchObject({
      value: 'cosine',
      default: 'multistep',
      choices: ['constant', 'multistep', 'cosine', 'polynomial'],
    });
    const mobile = parseRecipe({ network: { type: 'mobilefacenet', embeddingSize: 64 } });
    expect(field(mobile, 'network.embeddingSize')).toMatchObject({ value: 64, default: 128 });
    expect(field(mobile, 'network.type')).toMatchObject({
      default: 'sfnet',
      choices: ['mobilefacenet', 'onnx', 'sfnet'],
    });
  });

  it('of an object that is not there, but could be, have their defaults', () => {
    const field = (path: string) => explainRecipe(parseRecipe({})).find((one) => one.path === path);
    expect(field('data.cutOut')?.fields).toMatchObject([
      { path: 'data.cutOut.chance', value: 0.5, default: 0.5 },
      { path: 'data.cutOut.side', value: 0.4, default: 0.4 },
    ]);
    // Of several kinds none is meant, and what is there shows its own.
    expect(field('loss.energy')?.fields).toBeUndefined();
    expect(explainRecipe(parseRecipe({ data: { cutOut: {} } })).map(({ path }) => path)).toContain(
      'data.cutOut.chance',
    );
  });

  it('include those of descriptors of your own', () => {
    const recipe = parseRecipe({ network: { type: 'pointwise', channels: 3 } }, { extensions });
    expect(explainRecipe(recipe, extensions).filter(({ path }) => path.startsWith('network.channels'))).toEqual([
      { path: 'network.channels', value: 3, default: 4, description: 'Of the convolution.', choices: undefined },
    ]);
    expect(undescribed(z.toJSONSchema(recipeSchemaOf(extensions), { io: 'input' }))).toEqual([]);
  });
});
