// What `prepare` and `align` do alike: open the photos, say what is wrong with them as a whole, make the crops, report.
import { type OpenedSource, openImageSource } from '../images/index.js';
import { photosToPrepare, prepare, type PrepareOptions } from '../faces/index.js';
import { packageVersion } from '../common/index.js';
import { type Communicator, oneProcess } from '../distributed/index.js';
import { type CommonOptions, type Output, Progress } from './context.js';
import { type CropOptions, cropSettings, type IdentityOptions, type ReadOptions } from './faces-options.js';
import { reportAligned, warnOfLeftOut } from './faces-report.js';
import { untilInterrupted } from './interrupt.js';

/** Prepares the photos at a path, with a progress line called `label`. */
export async function preparePhotos(
  out: Output,
  label: string,
  photos: string,
  options: CommonOptions & CropOptions & ReadOptions & IdentityOptions & { readonly output: string },
  how: Pick<PrepareOptions, 'settings' | 'weights' | 'known'>,
  communicator: Communicator = oneProcess,
): Promise<void> {
  const { identityFrom } = options;
  await using opened: OpenedSource = await openImageSource(photos, identityFrom === undefined ? {} : { identityFrom });
  const source = await photosToPrepare(opened, options.output);
  warnOfLeftOut(out, source);
  const started = Date.now();
  const speaks = communicator.rank === 0;
  using progress = new Progress(label, source.entries.length, 'photos');
  const result = await untilInterrupted((signal) =>
    prepare({
      ...how,
      source,
      output: options.output,
      crop: cropSettings(options),
      layout: identityFrom === undefined ? 'path' : 'identity',
      threads: options.threads,
      device: options.device,
      photoSeconds: options.photoSeconds,
      packageVersion,
      progress: (done) => {
        if (speaks) progress.update(done);
      },
      communicator,
      signal,
    }),
  );
  progress[Symbol.dispose]();
  reportAligned(out, options.output, result, (Date.now() - started) / 1000);
}
