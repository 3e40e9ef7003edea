// A progressive JPEG of many scans: few bytes that keep a decoder busy for long, since each scan goes over all blocks.

/** Grey, flat. `scans` up to 883: the DC scan, then each of the 63 AC coefficients bit by bit. */
export function manyScansJpeg(width: number, height: number, scans: number): Buffer {
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8);
  const segment = (marker: number, data: readonly number[]) =>
    Buffer.from([0xff, marker, (data.length + 2) >> 8, (data.length + 2) & 255, ...data]);
  const startOfScan = (coefficient: number, high: number, low: number) =>
    segment(0xda, [1, 1, 0, coefficient, coefficient, (high << 4) | low]);
  const parts = [
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, [0, ...Array<number>(64).fill(1)]),
    segment(0xc2, [8, height >> 8, height & 255, width >> 8, width & 255, 1, 1, 0x11, 0]),
    // DC: one symbol, "no difference", of one bit. AC: the 15 runs of ended blocks, of four bits each.
    segment(0xc4, [0x00, 1, ...Array<number>(15).fill(0), 0]),
    segment(0xc4, [0x10, 0, 0, 0, 15, ...Array<number>(12).fill(0), ...Array.from({ length: 15 }, (_, i) => i << 4)]),
    startOfScan(0, 0, 0),
    entropyCoded(Array<number>(blocks).fill(0)),
  ];
  const body = endedBlocks(blocks);
  let written = 1;
  for (let low = 13; low >= 0; low--) {
    for (let coefficient = 1; coefficient < 64 && written < scans; coefficient++, written++) {
      parts.push(startOfScan(coefficient, low === 13 ? 0 : low + 1, low), body);
    }
  }
  return Buffer.concat([...parts, Buffer.from([0xff, 0xd9])]);
}

/** So many blocks in which nothing more comes, as runs: each a symbol and the bits of its length. */
function endedBlocks(count: number): Buffer {
  const bits: number[] = [];
  const put = (value: number, length: number) => {
    for (let bit = length - 1; bit >= 0; bit--) bits.push((value >> bit) & 1);
  };
  for (let left = count; left > 0;) {
    const size = Math.min(14, Math.floor(Math.log2(left)));
    const run = Math.min(left, 2 ** (size + 1) - 1);
    put(size, 4);
    put(run - 2 ** size, size);
    left -= run;
  }
  return entropyCoded(bits);
}

/** Bits as bytes, filled up with ones, and a zero after each FF. */
function entropyCoded(bits: readonly number[]): Buffer {
  const bytes: number[] = [];
  for (let at = 0; at < bits.length; at += 8) {
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) byte = 2 * byte + (bits[at + bit] ?? 1);
    bytes.push(byte, ...(byte === 0xff ? [0] : []));
  }
  return Buffer.from(bytes);
}
