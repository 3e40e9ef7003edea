// InsightFace's verification sets (lfw.bin, cfp_fp.bin, agedb_30.bin, …): encoded crops and, for each pair, whether it is one person.
import { open } from 'node:fs/promises';
import { SphereFaceError } from '../../common/errors.js';
import { entryAt } from '../files.js';
import { openedSource, type OpenedSource, type SourcePair } from '../source.js';
import type { ImageFormat } from './format.js';
import { type PickleValue, readPickle } from './pickle.js';

export const verificationSetFormat: ImageFormat = {
  kind: 'verification-set',
  describes: 'a verification set (.bin)',
  documentation: {
    looksLike: '`lfw.bin`, `cfp_fp.bin`, `agedb_30.bin`, …; it brings its pairs',
    identity: 'none',
    order: 'as stored',
  },
  matches: (path, head) => head !== undefined && (isPickle(head) || /\.bin$/i.test(path)),
  open: openVerificationSet,
};

/** The opcode PROTO and a protocol that is in use. */
function isPickle(head: Uint8Array): boolean {
  return head[0] === 0x80 && head[1] >= 2 && head[1] <= 5;
}

/** A verification set: a source that brings its pairs. */
export interface VerificationSet extends OpenedSource {
  readonly pairs: readonly SourcePair[];
}

const maxBytes = 2 ** 31 - 1;

/**
 * Opens a `.bin` verification set: a Python pickle of a list of encoded images and a list of truth values.
 * The file is held in memory (LFW's has 70 MB). No opcode is executed that could load or call anything.
 * @throws SphereFaceError for files that are anything else.
 */
export async function openVerificationSet(path: string): Promise<VerificationSet> {
  const handle = await open(path, 'r');
  let bytes: Uint8Array;
  try {
    const { size } = await handle.stat();
    if (size > maxBytes)
      throw new SphereFaceError(`${path} is too large for a verification set.`, { got: `${size} bytes` });
    bytes = await handle.readFile();
  } finally {
    await handle.close();
  }
  return parseVerificationSet(bytes, path);
}

/**
 * The set in the bytes of a `.bin` file. Its crops, 112×112, are in the order of the pairs: images 2k and 2k + 1 make
 * pair k. Files are `00000.jpg`, …; identities are not known.
 */
export function parseVerificationSet(bytes: Uint8Array, path: string): VerificationSet {
  const value = readPickle(bytes, path);
  const wrong = (got: string): SphereFaceError =>
    new SphereFaceError(`${path} is no verification set.`, {
      got,
      expected: 'a list of 2n encoded images and a list of n truth values',
    });
  if (!Array.isArray(value) || value.length !== 2) throw wrong(describe(value));
  const [images, flags] = value;
  if (!Array.isArray(images) || !Array.isArray(flags)) throw wrong(`${describe(images)} and ${describe(flags)}`);
  if (images.length !== 2 * flags.length) throw wrong(`${images.length} images and ${flags.length} truth values`);
  const encoded = images.map((image, index) => {
    if (image instanceof Uint8Array) return image;
    throw wrong(`${describe(image)} as image ${index}`);
  });
  const same = flags.map((flag, index) => {
    if (flag === true || flag === 1) return true;
    if (flag === false || flag === 0) return false;
    throw wrong(`${describe(flag)} as truth value ${index}`);
  });

  const entries = encoded.map((_, index) => ({ file: `${String(index).padStart(5, '0')}.jpg`, identity: '' }));
  const pairs = same.map((flag, pair) => ({ a: entries[2 * pair].file, b: entries[2 * pair + 1].file, same: flag }));
  const read = async (index: number): Promise<Uint8Array> => entryAt(encoded, index);
  return { ...openedSource({ kind: 'verification-set', entries, read }), pairs };
}

function describe(value: PickleValue): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return value instanceof Uint8Array ? `${value.length} bytes` : String(value);
}
