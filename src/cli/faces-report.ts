// What the commands on photos say: what is left out before they begin, and what came of the photos when they are done.
import { SphereFaceError } from '../common/index.js';
import { describeIgnored, type OpenedSource } from '../images/index.js';
import type { PrepareResult } from '../faces/index.js';
import type { Output } from './context.js';

/** How many files of a kind are named on the terminal; the manifest and `--json` name all. */
const named = 10;

/** Says what is odd about a source as a whole, and which kinds of files are no photos. */
export function warnOfLeftOut(out: Output, { warnings, ignored }: Pick<OpenedSource, 'warnings' | 'ignored'>): void {
  for (const warning of warnings) out.warn(warning);
  if (ignored.length > 0) out.warn(`left out, as they are no images: ${describeIgnored(ignored)}`);
}

/** Names the files, up to some number, each with what is wrong with it. */
export function nameFiles(out: Output, files: readonly { readonly file: string; readonly error: string }[]): void {
  for (const { file, error } of files.slice(0, named)) out.warn(`${file}: ${error}`);
  if (files.length > named) out.warn(`and ${files.length - named} more like it`);
}

/** Prints the counts and the photos that gave no crop. @throws SphereFaceError when there is no crop at all. */
export function reportAligned(
  out: Output,
  folder: string,
  { manifest, resumed, removed }: PrepareResult,
  seconds: number,
): void {
  const { counts, width, height, alignment, withoutFace, unreadable, refused, ignored, turned, damaged, renamed } =
    manifest;
  nameFiles(out, unreadable);
  nameFiles(out, refused);
  nameFiles(
    out,
    withoutFace.map((file) => ({ file, error: 'no face found' })),
  );
  nameFiles(
    out,
    turned.map(({ file, rotation }) => ({
      file,
      error: `lies on its side; its face is upright after a turn by ${rotation}°`,
    })),
  );
  nameFiles(
    out,
    damaged.map((file) => ({ file, error: 'damaged; what is there of it was used (--strict refuses)' })),
  );
  nameFiles(
    out,
    renamed.map(({ file, crop }) => ({ file, error: `its crop is called ${crop}` })),
  );
  if (resumed > 0) out.line(`${resumed} of ${counts.photos} photos had been done by an earlier run`);
  if (removed > 0) out.line(`${removed} photos are no longer there; their crops were removed`);
  out.line(
    `${counts.aligned} of ${counts.photos} photos aligned to ${height}x${width} (${alignment.template}, ${alignment.solver}) in ${folder}`,
  );
  if (counts.crops > counts.aligned) out.line(`crops: ${counts.crops}`);
  out.line(
    `without a face: ${counts.withoutFace}; unreadable: ${counts.unreadable}; refused: ${counts.refused}; ` +
      `no photos: ${counts.ignored}; with several faces: ${counts.withSeveralFaces}; turned: ${counts.turned}; damaged: ${counts.damaged}`,
  );
  out.result({
    output: folder,
    alignment,
    counts,
    resumed,
    removed,
    seconds: Math.round(seconds * 100) / 100,
    withoutFace,
    unreadable,
    refused,
    ignored,
    turned,
    damaged,
    renamed,
  });
  if (counts.photos > 0 && counts.aligned === 0) {
    throw new SphereFaceError('No photo could be aligned.', {
      got: `${counts.withoutFace} without a face, ${counts.unreadable} unreadable`,
      next: 'check that the folder holds photos of people (not crops tight around the face), or lower --min-size',
    });
  }
}
