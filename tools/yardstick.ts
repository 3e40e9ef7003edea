// Detection, alignment and evaluation against a yardstick nobody here trained: a third party's MobileFaceNet on LFW view 1.
// node --import tsx tools/yardstick.ts SHARED WORK: SHARED holds
// data/lfw-view1-photos.zip, data/pairsDevTrain.txt, data/pairsDevTest.txt, models/mtcnn and models/mobilefacenet/MobileFaceNet.onnx; WORK takes the
// results.
// Expected: an accuracy of 0.99 or more. Run again, it goes on where it stopped.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alignmentSpec, templates } from '../src/faces/template.js';
import { sphereface } from './command.js';

const [shared, work] = process.argv.slice(2);
if (shared === undefined || work === undefined) {
  process.stderr.write('usage: node --import tsx tools/yardstick.ts SHARED WORK\n');
  process.exit(2);
}
mkdirSync(work, { recursive: true });

const crops = join(work, 'lfw-view1-112x112');
const photos = join(shared, 'data/lfw-view1-photos.zip');
sphereface('prepare', photos, '-o', crops, '--size', '112x112', '--models', join(shared, 'models'));

const template = templates['112x112'];
const inputSpec = {
  width: template.width,
  height: template.height,
  channelOrder: 'RGB',
  mean: [123.675, 116.28, 103.53],
  scale: [58.395, 57.12, 57.375],
  alignment: alignmentSpec(template, 'cp2tform'),
};
const specFile = join(work, 'mobilefacenet.json');
writeFileSync(specFile, JSON.stringify(inputSpec));
const pairs = (name: string) => join(shared, 'data', name);
const result = JSON.parse(
  sphereface(
    ...['evaluate', join(shared, 'models/mobilefacenet/MobileFaceNet.onnx'), '--input-spec', specFile],
    ...['--pairs', pairs('pairsDevTest.txt'), '--threshold-pairs', pairs('pairsDevTrain.txt')],
    ...['--images', crops, '-o', join(work, 'report'), '--json'],
  ),
) as { readonly accuracy: { readonly mean: number } };
process.stdout.write(`accuracy on view 1's test pairs: ${result.accuracy.mean}\n`);
process.exitCode = result.accuracy.mean >= 0.99 ? 0 : 1;
