// The folders around a set: `photos/` in `photos/anna/1.jpg`, as they come with a zip of a folder, or in a folder one level too high.

/** What lies around the folders of people. */
export interface Wrapping {
  /** What their paths begin with, a slash at the end: `photos/`, `backup/photos/`; empty without. */
  readonly prefix: string;
  /** How many folders lie below it. */
  readonly folders: number;
}

/**
 * Goes down as long as a single folder holds all images that lie in folders. Where there are several, these are the people, and
 * what is around them wraps them: one stray (`photos/cover.jpg`) must not make one person of all. Strays are the smaller part; where
 * most images lie beside the folders, they are a person's own, who has folders besides. One person alone is wrapped by one
 * folder at most, and by none where there are strays: `anna/more/2.jpg` beside `anna/1.jpg` is Anna.
 */
export function wrappingOf(paths: readonly string[]): Wrapping {
  let prefix = '';
  let inside = paths;
  for (;;) {
    const start = prefix.length;
    inside = inside.filter((path) => path.includes('/', start));
    const folders = new Set(inside.map((path) => path.slice(start, path.indexOf('/', start))));
    if (folders.size === 1) {
      prefix += `${[...folders][0]}/`;
      continue;
    }
    const strays = paths.length - inside.length;
    return folders.size > 1 && strays < inside.length ? { prefix, folders: folders.size } : aroundOne(paths);
  }
}

/** The first folder, if all images share it and all lie at least one folder deeper. */
function aroundOne(paths: readonly string[]): Wrapping {
  const [first = ''] = paths;
  const prefix = first.slice(0, first.indexOf('/') + 1);
  const wraps = prefix !== '' && paths.every((path) => path.startsWith(prefix) && path.includes('/', prefix.length));
  return wraps ? { prefix, folders: 1 } : { prefix: '', folders: 0 };
}
