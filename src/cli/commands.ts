// The list of commands; each lives in its own file and registers itself on the program.
import type { Command } from 'commander';
import { registerAlign } from './align.js';
import { registerDemo } from './demo.js';
import { registerDetect } from './detect.js';
import { registerEmbed } from './embed.js';
import { registerEnroll } from './enroll.js';
import { registerEvaluate } from './evaluate.js';
import { registerExport } from './export.js';
import { registerIdentify } from './identify.js';
import { registerList } from './list.js';
import { registerModels } from './models.js';
import { registerPairs } from './pairs.js';
import { registerImport } from './import.js';
import { registerPrepare } from './prepare.js';
import { registerRecipes } from './recipes.js';
import { registerReport } from './report.js';
import { registerRun } from './run.js';
import { registerStudy } from './study.js';
import { registerTrain } from './train.js';
import { registerVerify } from './verify.js';

export const commands: readonly ((program: Command) => void)[] = [
  registerDemo,
  registerRun,
  registerModels,
  registerDetect,
  registerAlign,
  registerPrepare,
  registerList,
  registerPairs,
  registerEmbed,
  registerEvaluate,
  registerVerify,
  registerEnroll,
  registerIdentify,
  registerImport,
  registerExport,
  registerTrain,
  registerReport,
  registerStudy,
  registerRecipes,
];
