// What is known of the starter embedder: whose it is, what it was trained on, which pictures it takes, and where to decide.
import type { Calibration } from '../metadata.js';
import type { InputSpec } from '../../images/input.js';
import { embeddingSize } from './residual-network.js';

/** RGB, (x - mean) / 256, in dlib's own template. */
const input: InputSpec = {
  width: 150,
  height: 150,
  channelOrder: 'RGB',
  mean: [122.782, 117.001, 104.298],
  scale: [256, 256, 256],
  alignment: { template: 'dlib-150x150', solver: 'cp2tform', version: 1 },
};

/** Measured by tools/calibrate-starter.ts through this package's detector. */
const calibration: Calibration = {
  data: 'LFW view 1, training half: its matched pairs, and all photos of different people',
  genuinePairs: 1100,
  impostorPairs: 5923194,
  flip: true,
  thresholds: [
    { falseAcceptRate: 1e-2, threshold: 0.9076, trueAcceptRate: 0.9909 },
    { falseAcceptRate: 1e-3, threshold: 0.9262, trueAcceptRate: 0.9418 },
    { falseAcceptRate: 1e-4, threshold: 0.9404, trueAcceptRate: 0.8145 },
  ],
};

/** The network that recognises faces where no other is named. */
export const starterModel = {
  /** Also the folder of its file in the cache. */
  name: 'dlib-resnet-v1',
  title: "dlib's residual network for faces, version 1 (the starter embedder)",
  authors: 'Davis E. King (dlib_face_recognition_resnet_model_v1, 2017)',
  homepage: 'https://github.com/davisking/dlib-models',
  licence: 'public domain (CC0), as its author says',
  origin:
    'trained by Davis King on about 3 million photos of 7,485 people: FaceScrub, VGG-Face and photos gathered from the web, without people of LFW',
  input,
  embeddingSize,
  calibration,
  /** Of the weights as converted here, the scales of batch normalisation folded in. */
  weightsDigest: 'e367117cc4ffda307f8799d15ca6407961fd7c3bbe1e64217580277895509fbc',
} as const;
