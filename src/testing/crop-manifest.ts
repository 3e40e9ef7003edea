// The manifest that `prepare` leaves with crops, for tests that need only its statements.

/** A manifest whose alignment has the given version. */
export function manifestOf(version: number, solver = 'cp2tform') {
  return {
    kind: 'sphereface-aligned',
    packageVersion: '0.1.0',
    alignment: { template: 'sphereface-112x96', solver, version },
    width: 96,
    height: 112,
    settings: { missing: 'skip' },
    counts: { photos: 1, aligned: 1, withoutFace: 0, unreadable: 0 },
  };
}
