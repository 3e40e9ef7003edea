// Where rows lie within a block.

/** Places counted from `start`; −1 for those that are not among the `count` from there on. */
export function placesWithin(places: readonly number[], start: number, count: number): number[] {
  return places.map((place) => (place >= start && place < start + count ? place - start : -1));
}
