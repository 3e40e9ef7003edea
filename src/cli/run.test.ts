// The run command from synthetic photos to reports, and again when all is done; wrong usage of run and demo.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PipelineSummary } from '../pipeline/index.js';
import { writeSyntheticPhotos } from '../synthetic/index.js';
import { runCommand } from '../testing/command.js';
import { sharedMtcnn, testWeights } from '../testing/mtcnn-weights.js';
import { registerDemo } from './demo.js';
import { registerRun } from './run.js';

const { weights, why } = await testWeights();
// Without the folder beside the checkout the command finds the weights in the cache, where `testWeights` left them.
const models = existsSync(sharedMtcnn) ? ['--models', sharedMtcnn] : [];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sphereface-run-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(weights === undefined)(`run ${why}`, { timeout: 600_000 }, () => {
  it('goes from photos to reports, prints one JSON object, and is a moment when it is run again', async () => {
    const photos = join(folder, 'photos');
    const output = join(folder, 'out');
    await writeSyntheticPhotos(photos, { identities: 6, photosPerIdentity: 4, seed: 2 });
    const tiny = ['network={depth: 4, widths: [4, 4, 8, 8], embeddingSize: 16}', 'solver.batchSize=4', 'log.display=2'];
    const set = (option: string, ...settings: string[]) => settings.flatMap((setting) => [option, setting]);
    const args = [
      ...['run', photos, '-o', output, '--json', '--threads', '2', '--hold-out', '0.4', ...models],
      ...set('--set', ...tiny, 'solver.iterations=4', 'solver.schedule={type: constant}'),
      ...set('--plus-set', ...tiny, 'solver.iterations=2', 'solver.schedule={type: constant}'),
    ];
    const first = await runCommand(registerRun, args);
    expect(first.error).toBeUndefined();
    const summary = JSON.parse(first.stdout) as PipelineSummary;
    expect(summary.training.identities).toBe(4);
    expect(summary.models.map(({ name }) => name)).toEqual(['sphereface', 'sphereface-plus']);
    for (const { report, accuracy } of summary.models) {
      expect(await readFile(report, 'utf8')).toContain('</html>');
      expect(accuracy.mean).toBeGreaterThanOrEqual(0.5);
    }
    expect(first.stderr).toContain('Change from SphereFace to SphereFace+');

    const second = await runCommand(registerRun, args);
    expect(JSON.parse(second.stdout)).toEqual(summary);
    expect(second.stderr.match(/: done before/g)).toHaveLength(6);
  });
});

describe('wrong usage', () => {
  it.each([
    ['without an output folder', ['run', 'photos'], /-o/],
    ['with a share of 1', ['run', 'photos', '-o', 'out', '--hold-out', '1'], /between 0 and 1/],
    ['with an unknown recipe', ['run', 'photos', '-o', 'out', '--recipe', 'spherical'], /spherical/],
    ['with a specification of no model', ['run', 'photos', '-o', 'out', '--input-spec', 'x.json'], /there is none/],
    [
      'with two fine-tunes',
      ['run', 'photos', '-o', 'out', '--init', 'x.onnx', '--plus-recipe', 'y'],
      /fine-tuned once/,
    ],
  ])('%s is refused', async (_, args, message) => {
    const { error, stderr } = await runCommand(registerRun, args);
    expect(`${stderr}${error instanceof Error ? error.message : ''}`).toMatch(message);
    expect(error).toBeDefined();
  });

  it('demo refuses what is no number of people', async () => {
    const { error } = await runCommand(registerDemo, ['demo', '--identities', '0']);
    expect(String(error)).toMatch(/positive integer/);
  });
});
