// What a folder of crops says of how it was made: the part of ALIGNED/manifest.json that a model must agree with.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SphereFaceError } from '../common/errors.js';

const manifestSchema = z.object({
  packageVersion: z.string(),
  alignment: z.object({ template: z.string(), solver: z.string(), version: z.number().int() }),
  width: z.number().int(),
  height: z.number().int(),
  settings: z.record(z.string(), z.unknown()),
  counts: z.object({ photos: z.number(), aligned: z.number(), withoutFace: z.number(), unreadable: z.number() }),
});

/** The statements of a manifest that do not depend on single photos. */
export type CropManifest = z.infer<typeof manifestSchema>;

/**
 * Reads `manifest.json` of a folder of crops; `undefined` where `images` is no folder or has none: crops from elsewhere.
 * @throws SphereFaceError for a manifest that cannot be understood.
 */
export async function readCropManifest(images: string): Promise<CropManifest | undefined> {
  const path = join(images, 'manifest.json');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SphereFaceError(`${path} is not JSON`, { got: text.slice(0, 80), cause });
  }
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SphereFaceError(`${path} does not say how the crops were made`, {
    got: z.prettifyError(parsed.error).replaceAll('\n', '; '),
    expected: 'a manifest of sphereface prepare or align',
    next: 'align the photos again, or move the file away if it is none of this package',
  });
}
