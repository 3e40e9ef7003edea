// `sphereface report`: the training curves of a run as a page, and for TensorBoard.
import type { Command } from 'commander';
import { reportRun } from '../pipeline/index.js';
import { type CommonOptions, Output, withCommonOptions } from './context.js';

interface ReportOptions extends CommonOptions {
  readonly output?: string;
  readonly tensorboard?: string;
}

export function registerReport(program: Command): void {
  withCommonOptions(
    program
      .command('report')
      .description('the training curves of a run as a self-contained page')
      .argument('<run>', 'the folder of a run, finished or not')
      .option('-o, --output <folder>', 'the folder of the page (report in the run if not given)')
      .option('--tensorboard <folder>', 'write an event file for TensorBoard as well'),
  ).action(async (run: string, { json, output: folder, tensorboard }: ReportOptions) => {
    const output = new Output(json === true);
    const files = await reportRun({
      run,
      ...(folder === undefined ? {} : { output: folder }),
      ...(tensorboard === undefined ? {} : { tensorboard }),
      onWarning: (text) => output.warn(text),
    });
    output.line(`report    ${files.page}`);
    if (files.events !== undefined) output.line(`events    ${files.events}`);
    output.result(files);
  });
}
