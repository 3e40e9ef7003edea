// The list of commands; each lives in its own file and registers itself on the program.
import type { Command } from 'commander';
import { registerEmbed } from './embed.js';
import { registerEvaluate } from './evaluate.js';
import { registerPrepare } from './prepare.js';
import { registerRecipes } from './recipes.js';
import { registerTrain } from './train.js';

export const commands: readonly ((program: Command) => void)[] = [
  registerPrepare,
  registerEmbed,
  registerEvaluate,
  registerTrain,
  registerRecipes,
];
