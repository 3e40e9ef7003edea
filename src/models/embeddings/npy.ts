// NumPy's array file format (.npy, version 1.0): header and the two kinds of data that embeddings need.

const magic = Buffer.from('\x93NUMPY\x01\x00', 'latin1');

/** Length of the headers written here, always the same so that a header can be written again once the rows are counted. */
export const npyHeaderLength = 128;

/**
 * The header of a C-ordered array.
 * @param descr NumPy's type string: `<f4`, `<U12`, …
 */
export function npyHeader(descr: string, shape: readonly number[]): Buffer {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const header = Buffer.alloc(npyHeaderLength, ' ');
  magic.copy(header);
  header.writeUInt16LE(npyHeaderLength - magic.length - 2, magic.length);
  if (header.write(dictionary, magic.length + 2, 'latin1') + magic.length + 2 >= npyHeaderLength) {
    throw new RangeError(`the npy header is too long: ${dictionary}`);
  }
  header.write('\n', npyHeaderLength - 1);
  return header;
}

/** Strings as NumPy's fixed-width unicode array: `<U` and the length of the longest, four bytes per character. */
export function npyStrings(values: readonly string[]): Buffer {
  const points = values.map((value) => Array.from(value, (character) => character.codePointAt(0)!));
  const width = points.reduce((longest, { length }) => Math.max(longest, length), 1);
  const body = Buffer.alloc(values.length * width * 4);
  for (const [row, characters] of points.entries()) {
    for (const [column, point] of characters.entries()) body.writeUInt32LE(point, (row * width + column) * 4);
  }
  return Buffer.concat([npyHeader(`<U${width}`, [values.length]), body]);
}
