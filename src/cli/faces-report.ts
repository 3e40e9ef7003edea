// What `prepare` and `align` say when they are done.
import { SphereFaceError } from '../common/index.js';
import type { AlignedManifest } from '../faces/index.js';
import type { Output } from './context.js';

/** How many photos are named on the terminal; the manifest names all. */
const named = 10;

/** Prints the counts and the photos that gave no crop. @throws SphereFaceError when there is no crop at all. */
export function reportAligned(
  out: Output,
  folder: string,
  manifest: AlignedManifest,
  run: { readonly resumed: number; readonly seconds: number },
): void {
  const { counts, width, height, alignment, withoutFace, unreadable, refused } = manifest;
  for (const { file, error } of [...unreadable, ...refused].slice(0, named)) out.warn(`${file}: ${error}`);
  for (const file of withoutFace.slice(0, named)) out.warn(`${file}: no face found`);
  const unnamed = Math.max(0, unreadable.length + refused.length - named) + Math.max(0, withoutFace.length - named);
  if (unnamed > 0) out.warn(`and ${unnamed} more photos, listed in the manifest`);
  if (run.resumed > 0) out.line(`${run.resumed} of ${counts.photos} photos had been done by an earlier run`);
  out.line(
    `${counts.aligned} of ${counts.photos} photos aligned to ${height}x${width} (${alignment.template}, ${alignment.solver}) in ${folder}`,
  );
  out.line(
    `without a face: ${counts.withoutFace}; unreadable: ${counts.unreadable}; refused: ${counts.refused}; with several faces: ${counts.withSeveralFaces}`,
  );
  const seconds = Math.round(run.seconds * 100) / 100;
  out.result({ output: folder, alignment, counts, resumed: run.resumed, seconds, withoutFace, unreadable, refused });
  if (counts.photos > 0 && counts.aligned === 0) {
    throw new SphereFaceError('No photo could be aligned.', {
      got: `${counts.withoutFace} without a face, ${counts.unreadable} unreadable`,
      next: 'check that the folder holds photos of people (not crops tight around the face), or lower --min-size',
    });
  }
}
