// `gallery.json`: what a saved gallery says of itself.
import { z } from 'zod';
import { SphereFaceError } from '../../../common/errors.js';
import { identityScores } from './search.js';
import { rowTypes } from './rows.js';

export const manifestFile = 'gallery.json';

/** The most values of an embedding, and photos, that are read. */
const limits = { width: 2 ** 16, photos: 2 ** 27 } as const;

const manifestSchema = z.strictObject({
  format: z.literal('sphereface-gallery'),
  version: z.literal(1),
  packageVersion: z.string(),
  /** What the embeddings were made by. */
  origin: z.strictObject({
    model: z.string().regex(/^[0-9a-f]{64}$/),
    alignment: z.strictObject({ template: z.string(), solver: z.string(), version: z.number().int() }),
    flip: z.boolean(),
    width: z.number().int().min(1).max(limits.width),
  }),
  /** How faces were found and chosen. */
  settings: z.string(),
  type: z.enum(rowTypes),
  score: z.enum(identityScores),
  /** Photos with an embedding, and without. */
  photos: z.number().int().min(0).max(limits.photos),
  problems: z.number().int().min(0).max(limits.photos),
  /** The files beside it. Their names change with every save, so that an interrupted one leaves the old gallery whole. */
  embeddings: z.string().regex(/^embeddings-[0-9a-f]{12}\.npy$/),
  list: z.string().regex(/^photos-[0-9a-f]{12}\.jsonl$/),
  calibration: z
    .strictObject({
      threshold: z.number().min(-1).max(1),
      falsePositiveIdentificationRate: z.number().gt(0).lt(1),
      probes: z.number().int().min(1),
    })
    .optional(),
});

export type GalleryManifest = z.infer<typeof manifestSchema>;

/** Reads a manifest. @throws SphereFaceError for one that cannot be understood. */
export function parseManifest(text: string, path: string): GalleryManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SphereFaceError(`${path} is not JSON`, { got: text.slice(0, 80), cause });
  }
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SphereFaceError(`${path} does not describe a gallery`, {
    got: z.prettifyError(parsed.error).replaceAll('\n', '; '),
    expected: 'what `save` of this version writes: see docs/library.md',
  });
}

const stampSchema = z.strictObject({
  size: z.number().int().min(0),
  modified: z.number().optional(),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});

/** A line of the list of photos. Those without `error` belong to the rows of embeddings, in this order. */
const photoSchema = z.strictObject({
  identity: z.string(),
  file: z.string(),
  stamp: stampSchema.optional(),
  error: z.string().optional(),
});

export type PhotoLine = z.infer<typeof photoSchema>;

/** Reads a line of the list. @throws SphereFaceError naming the line. */
export function parsePhotoLine(line: string, where: string): PhotoLine {
  try {
    return photoSchema.parse(JSON.parse(line));
  } catch (cause) {
    throw new SphereFaceError(`${where} does not describe a photo of a gallery`, { got: line.slice(0, 120), cause });
  }
}
