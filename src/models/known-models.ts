// Published models that are recognised by their weights, so that nobody has to look up how their pictures are made.
import type { InputSpec } from '../images/input.js';
import type { ParsedModel } from '../graph/onnx/index.js';
import { starterModel } from './starter/description.js';
import { weightsDigest } from './weights-digest.js';

/** A published model, and what its file does not say. */
export interface KnownModel {
  readonly name: string;
  readonly input: InputSpec;
  readonly embeddingSize: number;
  /** The terms on which its publisher gives it. */
  readonly licence: string;
  /** Who trained it, on what, and where it is found. */
  readonly origin: string;
}

/** By the digest of their weights (`weightsDigest`). Only models whose file was at hand and whose convention was tried on photos. */
export const knownModels: ReadonlyMap<string, KnownModel> = new Map<string, KnownModel>([
  [
    'c72f702661bb658d7776cb0c502a215473da4ecd334565f889f52413c2563642',
    {
      name: 'mobilefacenet-ms1m',
      input: {
        width: 112,
        height: 112,
        channelOrder: 'RGB',
        mean: [123.675, 116.28, 103.53],
        scale: [58.395, 57.12, 57.375],
        alignment: { template: 'sphereface-112x112', solver: 'cp2tform', version: 1 },
      },
      embeddingSize: 128,
      licence: 'Apache-2.0',
      origin: "MobileFaceNet of OpenCV's model zoo, trained on MS-Celeb-1M",
    },
  ],
  [starterModel.weightsDigest, starterModel],
]);

/** The published model that has these weights; `undefined` for others. `source` names the file in errors. */
export function knownModel(model: ParsedModel, source: string): KnownModel | undefined {
  return knownModels.get(weightsDigest(model, source));
}
