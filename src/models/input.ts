// How pixels become a network's input, as every model file states it of itself.

/** Which template and which solver placed the face in the crop. Crops and models that differ in it must not meet. */
export interface AlignmentSpec {
  /** `sphereface-112x96`, `sphereface-112x112`, or a foreign model's own name. */
  readonly template: string;
  /** How the similarity was solved: `cp2tform` (published) or `umeyama`. */
  readonly solver: string;
  /** Raised whenever the same photo would give other crops. */
  readonly version: number;
}

/** The input convention of a model: size, channel order, and `(pixel - mean) / scale` per channel, in that order. */
export interface InputSpec {
  readonly width: number;
  readonly height: number;
  readonly channelOrder: 'BGR' | 'RGB';
  readonly mean: readonly [number, number, number];
  readonly scale: readonly [number, number, number];
  readonly alignment: AlignmentSpec;
}

/** The published system's convention: BGR, (x − 127.5) / 128, 112 high and 96 wide. */
export const publishedInput: InputSpec = {
  width: 96,
  height: 112,
  channelOrder: 'BGR',
  mean: [127.5, 127.5, 127.5],
  scale: [128, 128, 128],
  alignment: { template: 'sphereface-112x96', solver: 'cp2tform', version: 1 },
};
