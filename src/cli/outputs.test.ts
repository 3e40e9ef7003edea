// Where results go is looked at before the work: of the inputs here none exists, and yet the output is what is found wrong.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { UsageError } from '../common/errors.js';
import { runCommand } from '../testing/command.js';
import { useScratch } from '../testing/scratch.js';
import { registerDemo } from './demo.js';
import { registerEnroll } from './enroll.js';
import { registerExport } from './export.js';
import { registerList } from './list.js';
import { registerTrain } from './train.js';

const scratch = useScratch();

it.each([
  ['train', registerTrain, ['train', 'none', '--recipe', 'sphereface-m4-small']],
  ['enroll', registerEnroll, ['enroll', 'none.onnx', 'none']],
  ['demo', registerDemo, ['demo']],
  ['list', registerList, ['list', 'none']],
  ['export', registerExport, ['export', 'none.onnx']],
])('%s refuses an output in a file, which it names, before anything else', async (_, register, args) => {
  const file = await scratch.put('afile');
  const { error } = await runCommand(register, [...args, '-o', join(file, 'output')]);
  expect(error).toBeInstanceOf(UsageError);
  expect(String(error)).toMatch(/afile.output cannot be written[^]*afile is a file/);
});
