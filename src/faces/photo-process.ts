// The process that works on photos: one detector, the next photo decoding while the present one is searched.
import sharp from 'sharp';
import { messageOf, UsageError } from '../common/errors.js';
import { blockOtherLoaders } from '../images/decoders/sharp.js';
import { type PhotoJob, PhotoProcessor } from './photo.js';
import type { ProcessAnswer, ProcessMessage, ProcessSetup } from './pool-messages.js';

/** A search in more pixels than this has a time of its own, so it is announced. */
const largePhoto = 1e7;

// What the terminal sends to all processes is for the parent to act on; without a parent nobody wants the work. A decoder
// that does not come back would hold up a usual exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// All cores are busy with photos of their own, and no photo comes twice.
blockOtherLoaders();
sharp.concurrency(1);
sharp.cache(false);

const answer = (message: ProcessAnswer): void => {
  process.send?.(message);
};

const waiting: PhotoJob[] = [];
let wake: (() => void) | undefined;
let stopped = false;

process.once('message', (setup: ProcessSetup) => {
  void start(setup);
});

async function start({ weights, settings, device }: ProcessSetup): Promise<void> {
  let searches = 0;
  const onSearch = (pixels: number) => {
    searches++;
    if (pixels > largePhoto || searches > 1) answer({ kind: 'searching', pixels });
  };
  let processor: PhotoProcessor;
  try {
    processor = await PhotoProcessor.create(weights, settings, { device, threads: 1, onSearch });
  } catch (error) {
    answer({ kind: 'failed', message: messageOf(error), usage: error instanceof UsageError });
    return;
  }
  process.on('message', (message: ProcessMessage) => {
    if (message === 'stop') stopped = true;
    else waiting.push(message);
    wake?.();
  });
  answer({ kind: 'ready' });

  const begin = (job: PhotoJob) => {
    const decoded = processor.decode(job.bytes);
    // Whoever awaits it later gets the error; without this, Node would take it for unhandled until then.
    decoded.catch(() => undefined);
    return { job, decoded };
  };
  const next = async () => {
    while (waiting.length === 0 && !stopped) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const job = waiting.shift();
    return job === undefined ? undefined : begin(job);
  };

  let current = await next();
  while (current !== undefined) {
    const following = waiting.length > 0 ? begin(waiting.shift()!) : undefined;
    searches = 0;
    answer({ kind: 'done', result: await processor.process(current.job, current.decoded) });
    current = following ?? (await next());
  }
  await processor.dispose();
  process.removeAllListeners('disconnect');
  process.disconnect();
}
