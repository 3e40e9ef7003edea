// `sphereface demo`: the whole pipeline on photos of people who do not exist.
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { InterruptedError, requireWritableFolder } from '../common/index.js';
import { demoRecipes, runPipeline } from '../pipeline/index.js';
import { defaultSyntheticOptions, writeSyntheticPhotos } from '../synthetic/index.js';
import { type CommonOptions, Output, positiveInteger, withCommonOptions } from './context.js';
import { detectorWeights } from './faces-options.js';
import { untilInterrupted } from './interrupt.js';
import { PipelineView, printSummary } from './pipeline-view.js';

interface DemoOptions extends CommonOptions {
  readonly output: string;
  readonly identities: number;
  readonly photos: number;
  readonly seed: number;
}

export function registerDemo(program: Command): void {
  const { identities, photosPerIdentity, seed } = defaultSyntheticOptions;
  withCommonOptions(
    program
      .command('demo')
      .description('the whole pipeline on built-in synthetic photos, within minutes; run it again to go on')
      .option('-o, --output <folder>', 'where everything goes', join('out', 'demo'))
      .addOption(new Option('--identities <n>', 'how many people').argParser(positiveInteger).default(identities))
      .addOption(
        new Option('--photos <n>', 'how many photos of each').argParser(positiveInteger).default(photosPerIdentity),
      )
      .addOption(
        new Option('--seed <n>', 'other people, another division, other starting weights')
          .argParser(positiveInteger)
          .default(seed),
      ),
  ).action(async (options: DemoOptions) => {
    const out = new Output(options.json === true);
    using view = new PipelineView(out);
    const { identities: people, photos: photosOfEach, seed: chosen } = options;
    const photos = join(options.output, 'photos');
    await requireWritableFolder(options.output);
    const summary = await untilInterrupted(async (signal) => {
      view.begin(`draw ${people * photosOfEach} photos of ${people} people who do not exist`, 'begun');
      await writeSyntheticPhotos(
        photos,
        { identities: people, photosPerIdentity: photosOfEach, seed: chosen },
        (done, total) => {
          view.move(done, total, 'photos');
          if (!signal.aborted) return;
          throw new InterruptedError({ next: 'give the same command again to go on' });
        },
      );
      return runPipeline(
        {
          photos,
          folder: options.output,
          recipes: demoRecipes(chosen),
          weights: async () => (await detectorWeights(options, out)).weights,
          holdOut: { seed: chosen },
          control: true,
          device: options.device,
          threads: options.threads,
          signal,
        },
        view.events,
      );
    });
    printSummary(out, summary);
    out.result(summary);
  });
}
