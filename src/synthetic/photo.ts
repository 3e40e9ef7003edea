// One photo of a synthetic person, by numbers: the same for the same seed, person and photo, wherever it is drawn.
import { Random } from '../common/random.js';
import type { Picture } from '../images/source.js';
import { type Conditions, sampleConditions } from './conditions.js';
import { type Identity, sampleIdentity } from './identity.js';
import { renderPhoto } from './render.js';

/** People have streams of the generator this far apart: a person's looks, then a photo each. */
const streams = 4096;

/** How the person of this number looks. */
export function syntheticPerson(seed: number, person: number): Identity {
  return sampleIdentity(new Random(seed, 1 + person * streams));
}

/** Under which conditions the person's photo of this number is taken. */
export function syntheticConditions(seed: number, person: number, photo: number, identity: Identity): Conditions {
  return sampleConditions(new Random(seed, 2 + person * streams + photo), identity);
}

/** Side of the photo that a crop is cut from, and the part of it that is cut: no detector is needed, and none could align it as well. */
const side = 160;
const part = { left: 32, top: 25, width: 96, height: 112 };

/** The face in a photo, 112 high and 96 wide: the middle, where the renderer puts it. */
export function syntheticCrop(identity: Identity, conditions: Conditions): Picture {
  const { data } = renderPhoto(identity, conditions, side);
  const { left, top, width, height } = part;
  const crop = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * side + left) * 3;
    crop.set(data.subarray(start, start + width * 3), y * width * 3);
  }
  return { width, height, data: crop };
}
