// The input conventions that are tried on a model that states none: colour order × scaling × template.
import { alignmentSpec, type SimilaritySolver, type Template, templates } from '../../faces/index.js';
import type { InputSpec } from '../../images/index.js';

/** A way to scale pixels, by the red, green and blue channel. */
interface Scaling {
  readonly name: string;
  readonly mean: readonly [number, number, number];
  readonly scale: readonly [number, number, number];
}

const evenly = (mean: number, scale: number): Pick<Scaling, 'mean' | 'scale'> => ({
  mean: [mean, mean, mean],
  scale: [scale, scale, scale],
});

const unscaled: Scaling = { name: 'x', ...evenly(0, 1) };

/** The usual ones, most frequent first: of two that give the same embeddings the first is taken. */
const scalings: readonly Scaling[] = [
  { name: '(x - 127.5) / 127.5', ...evenly(127.5, 127.5) },
  { name: '(x - 127.5) / 128', ...evenly(127.5, 128) },
  { name: 'x / 255', ...evenly(0, 255) },
  unscaled,
  { name: '(x - ImageNet mean) / deviation', mean: [123.675, 116.28, 103.53], scale: [58.395, 57.12, 57.375] },
  { name: 'x - ImageNet mean', mean: [123.675, 116.28, 103.53], scale: [1, 1, 1] },
  { name: "(x - dlib's mean) / 256", mean: [122.782, 117.001, 104.298], scale: [256, 256, 256] },
];

/** How crops are made for every candidate: the solvers differ by 1.5 % of a face's size, which no model notices. */
const solver: SimilaritySolver = 'cp2tform';

/** A convention to try. */
export interface Convention {
  readonly input: InputSpec;
  /** The scaling in words. */
  readonly scaling: string;
}

/** What is known of a network's pictures before anything is tried. */
export interface KnownPictures {
  /** Where the network's input has a fixed size. */
  readonly size?: { readonly width: number; readonly height: number } | undefined;
  /** Of uint8 the network scales by itself. */
  readonly type: 'float32' | 'float16' | 'uint8';
}

/** The templates whose crops a network takes. */
export function fittingTemplates({ size }: KnownPictures): Template[] {
  return Object.values(templates).filter(
    ({ width, height }) => size === undefined || (size.width === width && size.height === height),
  );
}

/** Every convention that fits, those of one template after the other. */
export function conventionsFor(pictures: KnownPictures, fitting: readonly Template[]): Convention[] {
  const tried = pictures.type === 'uint8' ? [unscaled] : scalings;
  return fitting.flatMap((template) =>
    tried.flatMap(({ name, mean, scale }) =>
      (['RGB', 'BGR'] as const).map((channelOrder): Convention => {
        const order = <T>([r, g, b]: readonly [T, T, T]): readonly [T, T, T] =>
          channelOrder === 'RGB' ? [r, g, b] : [b, g, r];
        const { width, height } = template;
        const alignment = alignmentSpec(template, solver);
        return {
          input: { width, height, channelOrder, mean: order(mean), scale: order(scale), alignment },
          scaling: name,
        };
      }),
    ),
  );
}
