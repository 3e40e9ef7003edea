// `sphereface recipes`: the built-in recipes, or one of them in full.
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { builtInRecipe, builtInRecipes } from '../training/index.js';
import { type CommonOptions, Output, withCommonOptions } from './context.js';

export function registerRecipes(program: Command): void {
  withCommonOptions(
    program
      .command('recipes')
      .description('list the built-in recipes, or print one in full (as YAML, which --recipe reads)')
      .argument('[name]', 'the recipe to print'),
  ).action((name: string | undefined, options: CommonOptions) => {
    const output = new Output(options.json === true);
    if (name !== undefined) {
      const recipe = builtInRecipe(name);
      output.line(stringify(recipe).trimEnd());
      output.result(recipe);
      return;
    }
    const list = [...builtInRecipes.values()].map(({ name, description }) => ({ name, description }));
    for (const { name, description } of list) output.line(`${name.padEnd(28)}${description}`);
    output.result({ recipes: list });
  });
}
