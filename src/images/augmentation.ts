// The random changes that make a small set larger: what may change, and one image's change by its draws.

/** How crops are varied. */
export interface Augmentation {
  /** Probability of mirroring. */
  readonly mirror: number;
  /** Largest shift in pixels, each axis, each way. */
  readonly shift: number;
  /** Largest relative change of brightness and of contrast. */
  readonly light: number;
}

/** No variation. */
export const noAugmentation: Augmentation = { mirror: 0, shift: 0, light: 0 };

/** The random numbers of one image, each in [0, 1). */
export interface AugmentationDraws {
  readonly mirrorDraw: number;
  readonly shiftDraw: readonly [number, number];
  readonly lightDraw: readonly [number, number];
}

/** One image's change. */
export interface Variation {
  /** Whether its columns are written from right to left. */
  readonly mirrored: boolean;
  /** Pixels to the right and down; what comes in is filled with 0, the value of mid-grey. */
  readonly shiftX: number;
  readonly shiftY: number;
  /** Contrast, about mid-grey, and brightness, in grey levels: pixel → (pixel − 127.5) · gain + 127.5 + offset, within 0 … 255. */
  readonly gain: number;
  readonly offset: number;
}

/** The image as it is: what inference uses. */
export const unvaried: Variation = { mirrored: false, shiftX: 0, shiftY: 0, gain: 1, offset: 0 };

/** The mirror image, the second half of a flip embedding. */
export const mirrorImage: Variation = { ...unvaried, mirrored: true };

/** The change that an image's draws make of an augmentation. */
export function variationOf(augmentation: Augmentation, draws: AugmentationDraws): Variation {
  const { mirror, shift, light } = augmentation;
  const [x, y] = draws.shiftDraw;
  const [contrast, brightness] = draws.lightDraw;
  return {
    mirrored: draws.mirrorDraw < mirror,
    shiftX: wholeShift(x, shift),
    shiftY: wholeShift(y, shift),
    gain: 1 + (2 * contrast - 1) * light,
    offset: (2 * brightness - 1) * light * 128,
  };
}

/** A draw in [0, 1) as one of −most … most. */
function wholeShift(draw: number, most: number): number {
  return Math.floor(draw * (2 * most + 1)) - most;
}
