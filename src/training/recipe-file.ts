// Recipes from outside: a built-in name or a YAML or JSON file, with `path=value` changes on top.
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { messageOf, UsageError } from '../common/errors.js';
import { isRecord } from '../common/json.js';
import type { InputSpec } from '../images/index.js';
import type { Extensions } from './extensions.js';
import { parseRecipe, type Recipe } from './recipe.js';
import { builtInRecipe } from './recipes.js';

/**
 * Reads a recipe by built-in name or from a file. A file may say `extends: NAME` and then only what differs: objects are merged
 * field by field, except where their `type` or `form` changes; lists and single values replace.
 * @param settings changes in the form `path=value`, applied last, in order.
 * @param extensions what the recipe may name besides the margins, energies and backbones of this package.
 */
export async function loadRecipe(
  nameOrPath: string,
  settings: readonly string[] = [],
  extensions?: Extensions,
): Promise<Recipe> {
  return (await loadStatedRecipe(nameOrPath, settings, extensions)).recipe;
}

/** A recipe, and what of `input` its file or its settings state; what they do not is left to the data and to the model it starts from. */
export interface StatedRecipe {
  readonly recipe: Recipe;
  readonly statedInput: Partial<InputSpec>;
}

/** As {@link loadRecipe}, with what a recipe resolved in full no longer tells. */
export async function loadStatedRecipe(
  nameOrPath: string,
  settings: readonly string[] = [],
  extensions?: Extensions,
): Promise<StatedRecipe> {
  const isFile = /\.(ya?ml|json)$/i.test(nameOrPath);
  const { base, own } = isFile ? await readRecipeFile(nameOrPath) : { base: builtInRecipe(nameOrPath), own: {} };
  const changed = (input: unknown) => settings.reduce<unknown>(applySetting, input);
  const recipe = parseRecipe(changed(merge(base, own)), {
    source: isFile ? `recipe ${nameOrPath}` : 'recipe',
    extensions,
  });
  const { input = {} } = changed(own) as { readonly input?: object };
  return { recipe, statedInput: Object.fromEntries(Object.entries(recipe.input).filter(([field]) => field in input)) };
}

/** What a file says itself, and the recipe that it builds on. */
async function readRecipeFile(
  path: string,
): Promise<{ readonly base: unknown; readonly own: Record<string, unknown> }> {
  let content: unknown;
  try {
    // YAML 1.2 holds JSON, so one parser reads both.
    content = parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`The recipe ${path} cannot be read.`, { got: messageOf(error), cause: error });
  }
  if (!isRecord(content)) {
    throw new UsageError(`The recipe ${path} is not an object.`, { expected: 'fields such as solver: or loss:' });
  }
  const { extends: base, ...own } = content;
  if (base === undefined) return { base: {}, own };
  if (typeof base !== 'string') throw new UsageError(`extends: in ${path} must name a built-in recipe.`);
  return { base: builtInRecipe(base), own };
}

/**
 * A copy of `recipe` with one value changed.
 * @param setting `path=value`: the path with dots, numbers for list positions; the value as YAML, so `0.1`, `true`, `null`,
 *   `[1, 2]`, `{type: cosine}` and plain text all mean what they look like.
 */
export function applySetting(recipe: unknown, setting: string): unknown {
  const at = setting.indexOf('=');
  if (at < 1) {
    throw new UsageError('A setting must have the form path=value.', {
      got: setting,
      expected: 'for example solver.baseLearningRate=0.05',
    });
  }
  const path = setting.slice(0, at).split('.');
  let value: unknown;
  try {
    value = parse(setting.slice(at + 1));
  } catch (error) {
    throw new UsageError(`The value of the setting ${setting} is not valid YAML.`, { got: messageOf(error) });
  }
  return put(recipe, path, value, setting);
}

function put(target: unknown, [key, ...rest]: readonly string[], value: unknown, setting: string): unknown {
  if (key === undefined) return merge(target, value);
  if (key === '__proto__') throw new UsageError(`The path of the setting ${setting} is not a field.`);
  if (Array.isArray(target)) {
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index >= target.length) {
      throw new UsageError(`The setting ${setting} names a list position that does not exist.`, {
        got: key,
        expected: `0 to ${target.length - 1}`,
      });
    }
    return target.map((item: unknown, position) => (position === index ? put(item, rest, value, setting) : item));
  }
  const fields = isRecord(target) ? target : {};
  // Another type has other fields: those of the type before do not stay.
  if (rest.length === 0 && key === kindKey(fields) && value !== fields[key]) return { [key]: value };
  return { ...fields, [key]: put(fields[key], rest, value, setting) };
}

/** Fields of `change` over those of `base`; where `type` or `form` differs the change stands alone. */
function merge(base: unknown, change: unknown): unknown {
  if (!isRecord(base) || !isRecord(change)) return change;
  const kind = kindKey(base);
  if (kind !== undefined && kind in change && change[kind] !== base[kind]) return change;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(change)) merged[key] = merge(base[key], value);
  return merged;
}

/** The field that decides which others there are. An energy has a `form`, and may have a `type` besides. */
function kindKey(fields: Record<string, unknown>): string | undefined {
  return ['form', 'type'].find((key) => key in fields);
}
