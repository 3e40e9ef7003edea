// What a folder of crops says of how it was made: the part of ALIGNED/manifest.json that a model must agree with.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { withoutMark } from '../common/byte-order-mark.js';
import { SphereFaceError } from '../common/errors.js';
import type { AlignmentSpec } from './alignment.js';

/** The name of the file. */
export const manifestName = 'manifest.json';
/** Beside it: a line for each photo, by which `prepare` knows what a later run has to do. */
export const journalName = '.prepare-journal.jsonl';

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

/** What a `manifest.json` turned out to be: one of `prepare` or `align`, or a file of that name by some other program. */
export type ManifestFile =
  { readonly kind: 'crops'; readonly manifest: CropManifest } | { readonly kind: 'foreign'; readonly path: string };

/**
 * The manifest in a file's text. A file with neither `"kind": "sphereface-aligned"` nor an `alignment` is another
 * program's.
 * @param path how to call the file in errors
 * @throws SphereFaceError for a manifest of `prepare` or `align` that is not whole.
 */
export function parseManifest(text: string, path: string): ManifestFile {
  let value: unknown;
  try {
    value = JSON.parse(withoutMark(text));
  } catch (cause) {
    if (!text.includes(ownKind)) return { kind: 'foreign', path };
    throw new SphereFaceError(`${path} is not JSON.`, { got: text.slice(0, 80), next: advice, cause });
  }
  if (!isOwn(value)) return { kind: 'foreign', path };
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return { kind: 'crops', manifest: parsed.data };
  throw new SphereFaceError(`${path} does not say how the crops were made.`, {
    got: z.prettifyError(parsed.error).replaceAll('\n', '; '),
    expected: 'a manifest of sphereface prepare or align',
    next: advice,
  });
}

function isOwn(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return 'alignment' in value || ('kind' in value && value.kind === ownKind);
}

const ownKind = 'sphereface-aligned';
const advice =
  'align the photos again, or move the file away to use the crops as ones that do not say how they were made';

/** The manifest in a folder; `undefined` where `folder` is none or has none: crops from elsewhere. */
export async function readManifest(folder: string): Promise<ManifestFile | undefined> {
  const path = join(folder, manifestName);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'EISDIR') return undefined;
    throw new SphereFaceError(`${path} cannot be read.`, { got: error.message, next: advice, cause: error });
  });
  return text === undefined ? undefined : parseManifest(text, path);
}

/** What the manifest beside its images tells of a source. */
export interface ManifestStatements {
  readonly alignment: AlignmentSpec | undefined;
  readonly manifest: CropManifest | undefined;
  readonly warnings: readonly string[];
}

/** What a source states because of the `manifest.json` found with its images; another program's is only mentioned. */
export function statements(found: ManifestFile | undefined): ManifestStatements {
  switch (found?.kind) {
    case undefined:
      return { alignment: undefined, manifest: undefined, warnings: [] };
    case 'crops':
      return { alignment: found.manifest.alignment, manifest: found.manifest, warnings: [] };
    case 'foreign': {
      const warning = `${found.path} is none of sphereface prepare: it does not say how the crops were aligned`;
      return { alignment: undefined, manifest: undefined, warnings: [warning] };
    }
  }
}
