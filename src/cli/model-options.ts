// The options of commands that run a model file: what a file from elsewhere does not say of itself.
import type { Command } from 'commander';
import { requireTemplateSize } from '../faces/index.js';
import type { InputSpec } from '../images/index.js';
import { type OpenModelOptions, readInputSpec } from '../models/index.js';
import { type CommonOptions, type Output, withCommonOptions } from './context.js';

/** The options of a command that runs a model. */
export interface ModelOptions extends CommonOptions {
  readonly inputSpec?: string;
  readonly modelOutput?: string;
}

/** What `--input-spec` takes. */
export const inputSpecHelp = 'the input convention of a model from elsewhere: JSON or YAML, or {…} itself';

/** Adds `--input-spec` and `--model-output` to a command. */
export function addModelOptions(command: Command): Command {
  return command
    .option('--input-spec <file>', inputSpecHelp)
    .option('--model-output <name>', 'the output of a model from elsewhere that is the embedding, if it has several');
}

/** Adds these and the common options. */
export function withModelOptions(command: Command): Command {
  return withCommonOptions(addModelOptions(command));
}

/** The convention that `--input-spec` gives. @throws UsageError where it cannot be read, or its pictures are not of its template's size. */
export async function givenInput(inputSpec: string): Promise<InputSpec> {
  const input = await readInputSpec(inputSpec);
  requireTemplateSize(input, 'the input specification');
  return input;
}

/** How to open the model, as a command's options say it; `out` is told what is odd about it. */
export async function openOptions(options: ModelOptions, out: Output): Promise<OpenModelOptions> {
  const { device, threads, inputSpec, modelOutput } = options;
  return {
    device,
    threads,
    ...(inputSpec === undefined ? {} : { inputSpec: await givenInput(inputSpec) }),
    ...(modelOutput === undefined ? {} : { modelOutput }),
    onWarning: (text) => {
      out.warn(text);
    },
  };
}
