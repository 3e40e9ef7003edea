// The thread that works on photos: one detector, the next photo decoding while the present one is searched.
import { parentPort, workerData } from 'node:worker_threads';
import type { MtcnnWeights } from './mtcnn/networks.js';
import { type PhotoJob, PhotoProcessor, type PhotoResult, type PhotoSettings } from './photo.js';

/** What a worker is started with. */
export interface WorkerSetup {
  readonly weights: MtcnnWeights | undefined;
  readonly settings: PhotoSettings;
  readonly device: 'cpu' | 'cuda' | 'webgpu';
}

/** What it is sent, and what it answers: answers come in the order of the jobs. */
export type WorkerJob = PhotoJob | 'stop';
export type WorkerAnswer = 'ready' | PhotoResult;

const port = parentPort!;
const { weights, settings, device } = workerData as WorkerSetup;
const processor = await PhotoProcessor.create(weights, settings, { device, threads: 1 });

const waiting: PhotoJob[] = [];
let wake: (() => void) | undefined;
let stopped = false;

port.on('message', (message: WorkerJob) => {
  if (message === 'stop') stopped = true;
  else waiting.push(message);
  wake?.();
});
port.postMessage('ready' satisfies WorkerAnswer);

const next = async () => {
  while (waiting.length === 0 && !stopped) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  const job = waiting.shift();
  return job === undefined ? undefined : begin(job);
};

function begin(job: PhotoJob) {
  const decoded = processor.decode(job.bytes);
  // Whoever awaits it later gets the error; without this, Node would take it for unhandled until then.
  decoded.catch(() => undefined);
  return { job, decoded };
}

let current = await next();
while (current !== undefined) {
  const following = waiting.length > 0 ? begin(waiting.shift()!) : undefined;
  const result = await processor.process(current.job, current.decoded);
  port.postMessage(result satisfies WorkerAnswer);
  current = following ?? (await next());
}
await processor[Symbol.asyncDispose]();
port.close();
