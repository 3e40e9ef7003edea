// `sphereface recipes`: the built-in recipes, or one of them in full, with what its fields mean if asked.
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { type SchemaField, UsageError } from '../common/index.js';
import { builtInRecipe, builtInRecipes, explainRecipe } from '../training/index.js';
import { type CommonOptions, Output, withCommonOptions } from './context.js';

interface RecipesOptions extends CommonOptions {
  readonly explain?: boolean;
}

export function registerRecipes(program: Command): void {
  withCommonOptions(
    program
      .command('recipes')
      .description('list the built-in recipes, or print one in full (as YAML, which --recipe reads)')
      .argument('[name]', 'the recipe to print')
      .option('--explain', 'with what each field means, its default, and the words that it takes'),
  ).action((name: string | undefined, options: RecipesOptions) => {
    const output = new Output(options.json === true);
    if (name === undefined) {
      if (options.explain === true) {
        throw new UsageError('--explain needs the name of a recipe.', {
          next: 'sphereface recipes sphereface-m4 --explain; sphereface recipes lists the names',
        });
      }
      const list = [...builtInRecipes.values()].map(({ name, description }) => ({ name, description }));
      for (const { name, description } of list) output.line(`${name.padEnd(28)}${description}`);
      output.result({ recipes: list });
      return;
    }
    const recipe = builtInRecipe(name);
    if (options.explain !== true) {
      output.line(stringify(recipe).trimEnd());
      output.result(recipe);
      return;
    }
    const fields = explainRecipe(recipe);
    for (const field of fields) {
      const same = JSON.stringify(field.value) === JSON.stringify(field.default);
      const usual = field.default === undefined ? '' : same ? '  (the default)' : `  (default ${word(field.default)})`;
      output.line(`${field.path}: ${word(field.value)}${usual}`);
      for (const line of meaning(field)) output.line(`    ${line}`);
      for (const inner of field.fields ?? []) {
        const given = inner.default === undefined ? '' : `  (default ${word(inner.default)})`;
        output.line(`    if an object is given, ${inner.path}${given}`);
        for (const line of meaning(inner)) output.line(`        ${line}`);
      }
    }
    output.result({ recipe: name, fields });
  });
}

/** A value in one line, as `--set` takes it. */
function word(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
}

/** What a field means, and the words that it takes. */
function meaning({ description = '', choices }: SchemaField): string[] {
  return wrapped(`${description}${choices === undefined ? '' : ` One of ${choices.map(word).join(', ')}.`}`);
}

/** Text in lines of at most 92 characters, broken at spaces. */
function wrapped(text: string): string[] {
  return text.match(/.{1,92}(?:\s+|$)/g)?.map((line) => line.trimEnd()) ?? [];
}
