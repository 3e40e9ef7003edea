// Orders in which a rank-4 tensor may lie in memory. A graph speaks of [n, c, h, w] and [o, i, h, w] alone; an emitted model may
// hold a value in another order between the ops that like it so.

/** `standard` is the order the graph speaks of. */
export type Layout = 'standard' | 'hwnc' | 'tiled' | 'chwn' | 'hwio';

/** Axis i of the layout is axis `order[i]` of the standard. */
const orders: Readonly<Record<Layout, readonly number[]>> = {
  standard: [0, 1, 2, 3],
  /** [n, c, h, w] as [h, w, n, c]. */
  hwnc: [2, 3, 0, 1],
  /** As hwnc, with the columns in the order of {@link columnTile}: the first of every tile, then the second of every tile, and so on. */
  tiled: [2, 3, 0, 1],
  /** [n, c, h, w] as [c, h, w, n]. */
  chwn: [1, 2, 3, 0],
  /** [o, i, h, w] as [h, w, i, o]. */
  hwio: [2, 3, 1, 0],
};

/** The axes of the standard order, as they stand in a layout. */
export function layoutOrder(layout: Layout): readonly number[] {
  return orders[layout];
}

/**
 * Columns of a tile in the layout `tiled`: the widest tile that divides the width without rest, if it is wide enough to be worth while.
 * 1 where there is none and where one tile is all: then `tiled` is the same as `hwnc`.
 */
export function columnTile(width: number): number {
  return [6, 5, 4].find((tile) => width % tile === 0 && width > tile) ?? 1;
}

/** The columns as they lie in the layout `tiled`. */
export function tiledColumns(width: number): number[] {
  const tiles = width / columnTile(width);
  return Array.from({ length: width }, (_, i) => (i % tiles) * columnTile(width) + Math.floor(i / tiles));
}

/** The layout in which convolutions on the CPU like a picture [n, c, h, w]. */
export function pictureLayout(shape: readonly number[]): 'hwnc' | 'tiled' {
  return columnTile(shape[3]) > 1 ? 'tiled' : 'hwnc';
}

/** How to transpose from a layout to the standard order. */
export function inverseOrder(layout: Layout): readonly number[] {
  return orders.standard.map((axis) => orders[layout].indexOf(axis));
}

/** A rank-4 shape of the standard order, in a layout. */
export function shapeIn(layout: Layout, shape: readonly number[]): number[] {
  return orders[layout].map((axis) => shape[axis]);
}

/** Copies values from the standard order into a layout (`to`) or back (`from`); `shape` is the standard one. */
export function permute(
  data: Float32Array,
  shape: readonly number[],
  layout: Layout,
  direction: 'to' | 'from',
): Float32Array {
  if (layout === 'standard') return data.slice();
  const strides = [shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1];
  const [d0, d1, d2, d3] = shapeIn(layout, shape);
  const [s0, s1, s2, s3] = orders[layout].map((axis) => strides[axis]);
  const columns = layout === 'tiled' ? tiledColumns(d1) : undefined;
  const out = new Float32Array(data.length);
  let at = 0;
  for (let i = 0; i < d0; i++) {
    for (let column = 0; column < d1; column++) {
      const j = columns?.[column] ?? column;
      for (let k = 0; k < d2; k++) {
        for (let l = 0; l < d3; l++, at++) {
          const standard = i * s0 + j * s1 + k * s2 + l * s3;
          if (direction === 'to') out[at] = data[standard];
          else out[standard] = data[at];
        }
      }
    }
  }
  return out;
}
