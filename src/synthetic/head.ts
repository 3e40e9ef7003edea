// The head's surface: a skull with a jaw as a surface of revolution of sorts, and the relief of the face laid on its front.
import type { Expression } from './conditions.js';
import type { FaceShape } from './identity.js';
import { bump, mix, smoothstep } from './numeric.js';

/** Half the depth of the head in front of and behind its axis. */
const front = 0.66;
const back = 0.92;

/** The cross-section of the head at one height: half width, and reach to the front and to the back. */
export interface Section {
  y: number;
  width: number;
  front: number;
  back: number;
}

/** The section at `s` in −1 (crown) … 0 (eyes) … 1 (chin), written into `out`. */
export function section(shape: FaceShape, s: number, out: Section): void {
  const inside = Math.max(1 - s * s, 0);
  if (s < 0) {
    out.y = s * shape.crown;
    out.width = shape.width * inside ** (0.5 * shape.foreheadRoundness);
    out.front = front * inside ** 0.42;
    out.back = back * inside ** 0.5;
  } else {
    out.y = s * shape.chin;
    out.width = shape.width * inside ** (0.5 * shape.jawRoundness) * (1 - shape.jawTaper * s * s);
    out.front = front * inside ** 0.22;
    out.back = back * (1 - s) * (1 - 0.3 * s);
  }
}

/** The bare head (no relief) at an angle about the vertical axis (0: front, positive: viewer's right). */
export function headPoint(at: Section, angle: number, out: Float32Array, offset: number): void {
  const c = Math.cos(angle);
  out[offset] = at.width * Math.sin(angle);
  out[offset + 1] = at.y;
  out[offset + 2] = c >= 0 ? at.front * c ** 0.72 : at.back * c;
}

/** Height of the line between the lips at `x`, in the face at rest but for the smile. */
export function lipLine(shape: FaceShape, expression: Expression, x: number): number {
  const u = x / lipHalfWidth(shape, expression);
  return shape.mouthHeight - 0.055 * expression.smile * u * u;
}

/** Half the mouth's width; a smile stretches it. */
export function lipHalfWidth(shape: FaceShape, expression: Expression): number {
  return shape.mouthWidth * (1 + 0.22 * Math.max(expression.smile, 0));
}

/** How far the open mouth moves the surface down at (x, y): all of it below the lips, nothing above. */
export function jawDrop(shape: FaceShape, expression: Expression, x: number, y: number): number {
  if (expression.mouthOpen === 0) return 0;
  const u = x / lipHalfWidth(shape, expression);
  const gap = Math.max(1 - u * u, 0);
  const line = lipLine(shape, expression, x);
  const sharp = smoothstep(line - 0.008, line + 0.03, y);
  const soft = smoothstep(shape.mouthHeight - 0.15, shape.mouthHeight + 0.3, y);
  return expression.mouthOpen * mix(soft, sharp, gap);
}

/** Relief of the face over the bare head, towards the viewer, at (x, y) of the face at rest. */
export function relief(shape: FaceShape, expression: Expression, age: number, x: number, y: number): number {
  const X = Math.abs(x) * (x > 0 ? 1 + shape.asymmetry : 1 - shape.asymmetry);
  const nose = shape.noseLength;
  const mouth = shape.mouthHeight;
  const smile = Math.max(expression.smile, 0);
  let h = 0;
  if (y < 0.35) {
    h -= shape.socketDepth * bump(X - shape.eyeSpacing, y + 0.015, 0.19, 0.115);
    h += 0.06 * bump(X - shape.eyeSpacing, y, 0.13, 0.085);
    h += shape.browRidge * bump(X - 0.28, y + shape.browHeight - 0.01, 0.26, 0.07);
    h -= 0.035 * bump(X - 0.66, y + 0.22, 0.14, 0.2);
  }
  if (X < 0.4 && y > -0.25 && y < nose + 0.2) {
    const t = smoothstep(-0.18, nose, y);
    const ridge = mix(shape.noseBridge * 0.75, shape.noseTip * 0.8, t ** 1.4);
    const width = mix(0.07, 0.1, t);
    const base = 1 - smoothstep(nose - 0.06, nose + 0.04, y);
    h += ridge * Math.exp(-((X / width) ** 2)) * smoothstep(-0.22, 0.0, y) * base;
    h += 0.055 * bump(X, y - (nose - 0.065), 0.075, 0.06);
    h += 0.1 * bump(X - shape.noseWidth * 0.68, y - (nose - 0.04), 0.055, 0.05);
    h -= 0.05 * bump(X - shape.noseWidth * 0.45, y - (nose + 0.004), 0.035, 0.02);
  }
  h += shape.cheekbones * bump(X - 0.44, y - 0.24, 0.18, 0.13);
  h += 0.045 * smile * bump(X - 0.4, y - (nose - 0.02), 0.14, 0.12);
  if (y > nose - 0.12) {
    const half = lipHalfWidth(shape, expression);
    const line = lipLine(shape, expression, x);
    const fold = shape.noseWidth + 0.03 + (y - nose + 0.06) * 0.5;
    h -= (0.008 + 0.022 * age + 0.018 * smile) * bump(X - fold, y - (nose + mouth) / 2 - 0.02, 0.035, 0.17);
    h += 0.05 * bump(X, y - mouth, 0.26, 0.19);
    h += 0.03 * bump(X, y - (line - shape.upperLip * 0.5), half * 0.75, shape.upperLip * 0.8);
    h += 0.045 * bump(X, y - (line + shape.lowerLip * 0.6), half * 0.62, shape.lowerLip * 0.8);
    h -= 0.03 * bump(X, y - line, half * 0.9, 0.016);
    h -= 0.03 * bump(X - half, y - line, 0.035, 0.035);
    h -= 0.035 * bump(X, y - (mouth + shape.lowerLip + 0.075), 0.16, 0.05);
    h -= 0.012 * bump(X, y - (mouth - shape.upperLip - 0.07), 0.025, 0.06);
    h += shape.chinBoss * bump(X, y - (shape.chin - 0.15), 0.16, 0.12);
  }
  return h;
}
