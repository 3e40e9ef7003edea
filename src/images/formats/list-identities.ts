// Who is on an image of a list: the folder's name where folders and labels are one to one, else the label.
import { normaliseName } from '../../common/names.js';

/** What a line of a list says of the person. */
export interface ListedPerson {
  readonly label: string;
  /** The folders that the image lies in, from the outermost. */
  readonly folders: readonly string[];
  /** The identity by the set that the image belongs to (a folder with a manifest, a zip), where it belongs to one. */
  readonly inSet: string | undefined;
}

/**
 * The identity of each image, one name per person: the first folder below the one that all images share, or the image's
 * own folder, if to each label belongs one such folder and to each folder one label; else the labels. Lists of
 * InsightFace and Caffe number their people; `alice/001.jpg 0` in a list and `alice/001.jpg` in a folder are one person.
 */
export function listIdentities(people: readonly ListedPerson[]): string[] {
  const labels = people.map(({ label }) => label);
  const shared = commonLength(people.filter(({ inSet }) => inSet === undefined));
  const candidates = [
    ({ folders, inSet }: ListedPerson) => inSet ?? folders[shared] ?? '',
    ({ folders, inSet }: ListedPerson) => inSet ?? folders.at(-1) ?? '',
  ];
  for (const nameOf of candidates) {
    const names = people.map((person) => normaliseName(nameOf(person)));
    if (!names.includes('') && oneToOne(names, labels)) return names;
  }
  return labels.map(normaliseName);
}

/** How many leading folders all images share. */
function commonLength(people: readonly ListedPerson[]): number {
  const [first, ...rest] = people.map(({ folders }) => folders);
  if (first === undefined) return 0;
  return rest.reduce((common, folders) => {
    const differing = folders.findIndex((folder, depth) => depth >= common || folder !== first[depth]);
    return differing < 0 ? Math.min(common, folders.length) : differing;
  }, first.length);
}

function oneToOne(names: readonly string[], labels: readonly string[]): boolean {
  const labelOf = new Map<string, string>();
  const nameOf = new Map<string, string>();
  return names.every((name, index) => {
    const label = labels[index];
    if (!labelOf.has(name)) labelOf.set(name, label);
    if (!nameOf.has(label)) nameOf.set(label, name);
    return labelOf.get(name) === label && nameOf.get(label) === name;
  });
}
