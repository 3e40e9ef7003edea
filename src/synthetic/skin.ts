// The colours of the face's surface: skin with its blemishes, beard, brows, lips and mouth, nostrils, eyes.
import type { Expression } from './conditions.js';
import { lipHalfWidth, lipLine } from './head.js';
import type { Identity } from './identity.js';
import { bump, clamp, type Colour, fromSrgb, mix, noise, smoothstep } from './numeric.js';

const sclera = fromSrgb(214, 206, 200);
const pupil: Colour = [0.006, 0.005, 0.005];
const teeth = fromSrgb(228, 222, 208);
const mouthInside = fromSrgb(60, 20, 20);
const edge = 0.012;

/** Paints points of the face. One instance per photo; `paint` is called for each vertex and writes colour and gloss. */
export class SkinPainter {
  private readonly lashes: Colour;

  constructor(
    private readonly identity: Identity,
    private readonly expression: Expression,
  ) {
    const { hair } = identity;
    this.lashes = [hair[0] * 0.25 + 0.004, hair[1] * 0.25 + 0.004, hair[2] * 0.25 + 0.004];
  }

  /**
   * Writes red, green, blue and gloss at `offset`.
   * @param x, y a point of the face at rest (see {@link FaceShape} for the coordinates).
   * @param facing how much the bare head faces the front there: the features only exist where it is positive.
   */
  paint(x: number, y: number, facing: number, out: Float32Array, offset: number): void {
    this.paintSkin(x, y, out, offset);
    if (facing <= 0) return;
    this.paintBeard(x, y, out, offset);
    if (y > -0.5 && y < 0.25) {
      this.paintBrow(x, y, out, offset);
      this.paintEye(x, y, out, offset);
    } else if (y > this.identity.shape.noseLength - 0.1) {
      this.paintMouth(x, y, out, offset);
    }
  }

  private paintSkin(x: number, y: number, out: Float32Array, offset: number): void {
    const { skin, shape, texture, freckles, age } = this.identity;
    const X = Math.abs(x);
    const mottled = 1 + 0.05 * noise(texture, x * 4, y * 4) + 0.035 * noise(texture + 1, x * 17, y * 17);
    const flush = 0.16 * bump(X - 0.42, y - 0.3, 0.22, 0.18) + 0.14 * bump(X, y - shape.noseLength + 0.06, 0.12, 0.1);
    let light = mottled;
    light *= 1 - 0.16 * bump(X - shape.eyeSpacing, y - 0.02, 0.19, 0.12) * (0.6 + age);
    light *= 1 - (0.05 + 0.14 * age) * bump(X - shape.eyeSpacing * 0.95, y - 0.13, 0.13, 0.035);
    if (age > 0.35 && y < -0.25) {
      const line = Math.sin((y + 0.02 * noise(texture + 2, x * 5, 0)) * 58);
      light *= 1 - 0.1 * (age - 0.35) * smoothstep(0.6, 1, line) * bump(X, y + 0.45, 0.4, 0.16);
    }
    if (freckles > 0) {
      const spots = smoothstep(0.55, 0.9, noise(texture + 3, x * 34, y * 34)) * bump(X - 0.25, y - 0.25, 0.36, 0.22);
      light *= 1 - 0.35 * freckles * spots;
    }
    for (const mole of this.identity.moles) light *= 1 - 0.6 * bump(x - mole.x, y - mole.y, mole.radius, mole.radius);
    const nostril = bump(X - shape.noseWidth * 0.46, y - (shape.noseLength + 0.006), 0.042, 0.022);
    light *= 1 - 0.85 * nostril;
    const wing = bump(X - shape.noseWidth * 1.08, y - (shape.noseLength - 0.05), 0.025, 0.05);
    light *= 1 - 0.22 * wing;
    out[offset] = skin[0] * light * (1 + 0.4 * flush);
    out[offset + 1] = skin[1] * light * (1 - 0.75 * flush);
    out[offset + 2] = skin[2] * light * (1 - 0.75 * flush);
    out[offset + 3] = 0.18 + 0.2 * bump(X, y + 0.5, 0.4, 0.25) + 0.25 * bump(X, y - shape.noseLength * 0.8, 0.09, 0.2);
  }

  private paintBeard(x: number, y: number, out: Float32Array, offset: number): void {
    const { beard, shape, hair, texture } = this.identity;
    if (y < 0.15 || beard.moustache + beard.chin + beard.cheeks === 0) return;
    const X = Math.abs(x);
    const line = lipLine(shape, this.expression, x);
    const half = lipHalfWidth(shape, this.expression);
    const lips = bump(X, y - line - 0.01, half * 0.85, shape.lowerLip * 0.9);
    const moustache =
      beard.moustache *
      smoothstep(shape.noseLength + 0.02, shape.noseLength + 0.08, y) *
      (1 - smoothstep(line - 0.01, line + 0.03, y)) *
      (1 - smoothstep(half * 0.9, half * 1.35, X));
    const chin =
      beard.chin * smoothstep(line + shape.lowerLip, line + shape.lowerLip + 0.08, y) * (1 - smoothstep(0.22, 0.4, X));
    const border = shape.mouthHeight + 0.1 - 1.05 * (X - 0.25);
    const cheeks = beard.cheeks * smoothstep(border - 0.06, border + 0.1, y);
    const strands = 0.75 + 0.35 * noise(texture + 4, x * 42, y * 20);
    const cover = clamp(Math.max(moustache, chin, cheeks) * strands, 0, 0.94) * (1 - lips);
    blend(out, offset, hair, cover * 0.9);
    out[offset + 3] *= 1 - 0.7 * cover;
  }

  private paintBrow(x: number, y: number, out: Float32Array, offset: number): void {
    const { shape, brows, texture } = this.identity;
    const X = Math.abs(x);
    const u = (X - shape.eyeSpacing) / (shape.eyeWidth * 1.35);
    if (u < -1.15 || u > 1.15) return;
    const arch = shape.browArch * (1 - (u - 0.3) * (u - 0.3));
    const centre = -(shape.browHeight + this.expression.browRaise) - arch - shape.browTilt * (X - shape.eyeSpacing);
    const thickness = shape.browThickness * mix(1.1, 0.5, smoothstep(-0.6, 1.1, u));
    const across = Math.abs(y - centre) / thickness;
    const strands = 0.85 + 0.25 * noise(texture + 5, x * 50 + y * 30, y * 60);
    const cover = (1 - smoothstep(0.55, 1.25, across)) * (1 - smoothstep(0.85, 1.15, Math.abs(u))) * strands;
    blend(out, offset, brows, clamp(cover * 0.9, 0, 0.95));
    out[offset + 3] *= 1 - 0.8 * clamp(cover, 0, 1);
  }

  private paintEye(x: number, y: number, out: Float32Array, offset: number): void {
    const { shape, iris } = this.identity;
    const { eyesOpen, gaze } = this.expression;
    const side = x > 0 ? 1 : -1;
    const along = Math.abs(x) - shape.eyeSpacing;
    const across = y + shape.eyeTilt * along;
    const u = along / shape.eyeWidth;
    if (u < -1.5 || u > 1.5 || across < -0.25 || across > 0.16) return;
    const lens = Math.max(1 - u * u, 0);
    const upper = -shape.eyeHeight * eyesOpen * lens ** 0.75 * (1 - 0.18 * u);
    const lower = shape.eyeHeight * 0.55 * (0.4 + 0.6 * eyesOpen) * lens * (1 + 0.15 * u);
    // Within the opening: the eyeball, shaded by the upper lid.
    const inside = smoothstep(upper - edge, upper + edge, across) * smoothstep(lower + edge, lower - edge, across);
    if (inside > 0 && lens > 0) {
      const dx = along - side * gaze[0];
      const dy = across - gaze[1] + 0.006;
      const radius = Math.sqrt(dx * dx + dy * dy);
      const shade = 0.5 + 0.5 * smoothstep(upper, upper + 0.06, across);
      const white = shade * (1 - 0.3 * u * u);
      blend(out, offset, [sclera[0] * white, sclera[1] * white, sclera[2] * white], inside);
      const disc = smoothstep(0.074 + edge, 0.074 - edge, radius) * inside;
      const rim = mix(1, 0.45, smoothstep(0.045, 0.074, radius)) * shade;
      blend(out, offset, [iris[0] * rim, iris[1] * rim, iris[2] * rim], disc);
      blend(out, offset, pupil, smoothstep(0.031 + edge, 0.031 - edge, radius) * inside);
      const glint = bump(along - side * gaze[0] + 0.022 * side, dy + 0.026, 0.015, 0.015) * inside;
      blend(out, offset, [0.95, 0.95, 0.95], glint);
      out[offset + 3] = mix(out[offset + 3], 0.12, inside);
    }
    // The lash line on the upper lid, a faint one on the lower, and the crease above.
    const span = 1 - smoothstep(1, 1.18, Math.abs(u));
    const outer = smoothstep(-1, 1, u);
    const upperLash = bump(across - upper + 0.006, 0, 0.013 + 0.007 * outer, 1) * span;
    blend(out, offset, this.lashes, upperLash * 0.9);
    const lowerLash = bump(across - lower - 0.004, 0, 0.009, 1) * span;
    blend(out, offset, this.lashes, lowerLash * 0.35);
    const crease = bump(across - upper + 0.052, 0, 0.014, 1) * (1 - smoothstep(0.8, 1.3, Math.abs(u)));
    darken(out, offset, 0.32 * crease);
    const corner = bump(u + 1.02, across, 0.12, 0.02);
    blend(out, offset, this.identity.lips, corner * 0.6);
  }

  private paintMouth(x: number, y: number, out: Float32Array, offset: number): void {
    const { shape, lips } = this.identity;
    const { mouthOpen, smile } = this.expression;
    const half = lipHalfWidth(shape, this.expression);
    const u = Math.abs(x) / half;
    if (u > 1.3) return;
    const line = lipLine(shape, this.expression, x);
    const lens = Math.max(1 - u * u, 0);
    const bow = 1 - 0.22 * bump(x, 0, 0.035, 1) + 0.12 * bump(Math.abs(x) - 0.06, 0, 0.035, 1);
    const top = line - shape.upperLip * lens ** 0.8 * bow * (1 - 0.25 * Math.max(smile, 0));
    const bottom = line + 0.02 * lens + shape.lowerLip * lens ** 0.62;
    const soft = 0.014;
    const within = smoothstep(top - soft, top + soft, y) * smoothstep(bottom + soft, bottom - soft, y);
    if (lens > 0) {
      const upper = y < line ? 0.82 : 1;
      const wrinkle = 1 + 0.08 * noise(this.identity.texture + 6, x * 60, y * 8);
      const tone = upper * wrinkle;
      blend(out, offset, [lips[0] * tone, lips[1] * tone, lips[2] * tone], within * 0.85);
      out[offset + 3] = mix(out[offset + 3], 0.4, within);
    }
    // The line between closed lips, or the stretched band of the open mouth (see jawDrop).
    const seam = bump(y - line, 0, 0.012, 1) * (1 - smoothstep(0.92, 1.08, u));
    darken(out, offset, 0.75 * seam);
    darken(out, offset, 0.35 * bump(u - 1.02, y - line, 0.09, 0.03));
    if (mouthOpen > 0 && lens > 0) {
      const band = smoothstep(line - 0.006, line + 0.004, y) * smoothstep(line + 0.03, line + 0.022, y);
      const cover = band * smoothstep(0, 0.12, lens);
      blend(out, offset, mouthInside, cover);
      const row =
        smoothstep(line + 0.02, line + 0.012, y) * smoothstep(0.75, 0.6, u) * (0.35 + 0.65 * Math.max(smile, 0));
      blend(out, offset, teeth, cover * row * 0.85);
    }
  }
}

/** Mixes `colour` into the colour at `offset`. */
function blend(out: Float32Array, offset: number, colour: Colour, amount: number): void {
  out[offset] += (colour[0] - out[offset]) * amount;
  out[offset + 1] += (colour[1] - out[offset + 1]) * amount;
  out[offset + 2] += (colour[2] - out[offset + 2]) * amount;
}

function darken(out: Float32Array, offset: number, amount: number): void {
  const keep = 1 - amount;
  out[offset] *= keep;
  out[offset + 1] *= keep * keep ** 0.2;
  out[offset + 2] *= keep * keep ** 0.2;
}
