// `sphereface models pull`: the published weights, fetched and verified.
import type { Command } from 'commander';
import { loadMtcnnWeights, mtcnnDigests, mtcnnOrigin } from '../faces/index.js';
import { type CommonOptions, Output, withCommonOptions } from './context.js';

export function registerModels(program: Command): void {
  const models = program.command('models').description('the published weights this package uses');
  withCommonOptions(
    models
      .command('pull')
      .description('fetch the published weights into the cache and verify them (first use does it by itself)'),
  ).action(async (options: CommonOptions) => {
    const out = new Output(options.json === true);
    const { folder, fetchedFrom } = await loadMtcnnWeights({
      ...(options.models === undefined ? {} : { models: options.models }),
      log: (line) => {
        out.line(line);
      },
    });
    const { title, authors, homepage, licence } = mtcnnOrigin;
    out.line(title);
    out.line(`  by ${authors}`);
    out.line(`  origin   ${homepage}`);
    out.line(`  licence  ${licence}`);
    out.line(`  files    ${folder}${fetchedFrom === undefined ? ' (there already)' : `, fetched from ${fetchedFrom}`}`);
    for (const [network, digest] of Object.entries(mtcnnDigests)) out.line(`  verified ${network}  SHA-256 ${digest}`);
    out.result({ models: [{ ...mtcnnOrigin, folder, fetchedFrom: fetchedFrom ?? null, digests: mtcnnDigests }] });
  });
}
