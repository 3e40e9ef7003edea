// From a person and a photo's conditions to the photo: builds the scene, draws, lights and "develops" it.
import { Random } from '../common/random.js';
import type { Picture } from '../images/source.js';
import { paintBackground } from './background.js';
import { bodyMeshes, glassesMeshes, handMeshes } from './body.js';
import type { Camera, Conditions, Pose } from './conditions.js';
import { earMeshes, faceMesh } from './face.js';
import { hairMeshes, hatMeshes } from './hair.js';
import type { Identity } from './identity.js';
import { illuminate } from './light.js';
import { clamp } from './numeric.js';
import { drawMesh, surfaceBuffer, type View } from './raster.js';

/** Samples per pixel along each axis. */
const supersampling = 2;

/** A photo of `identity`, `size` pixels square: the same arguments give the same pixels on every machine. */
export function renderPhoto(identity: Identity, conditions: Conditions, size = 160): Picture {
  const side = size * supersampling;
  const buffer = surfaceBuffer(side, side);
  const { pose, occlusion } = conditions;
  const unit = pose.scale * side;
  const still: View = {
    rotation: rotation({ yaw: 0, pitch: 0, roll: pose.roll * 0.3 }),
    pivot: [0, 1.4, -0.3],
    // The middle of the face, a little below the eyes, lands on the picture's centre.
    centre: [side * (0.5 + pose.offset[0]), side * (0.5 + pose.offset[1]) - 0.2 * unit],
    scale: unit,
    distance: 7,
  };
  const turned: View = { ...still, rotation: rotation(pose), pivot: [0, 0.35, -0.35] };
  for (const mesh of bodyMeshes(identity, conditions)) drawMesh(buffer, mesh, still);
  drawMesh(buffer, faceMesh(identity, conditions), turned);
  for (const mesh of earMeshes(identity)) drawMesh(buffer, mesh, turned);
  for (const mesh of hairMeshes(identity)) drawMesh(buffer, mesh, turned);
  if (occlusion.hat !== undefined) {
    for (const mesh of hatMeshes(identity, occlusion.hat)) drawMesh(buffer, mesh, turned);
  }
  if (occlusion.glasses || occlusion.sunglasses) {
    for (const mesh of glassesMeshes(identity, conditions)) drawMesh(buffer, mesh, turned);
  }
  if (occlusion.hand !== undefined) {
    for (const mesh of handMeshes(identity, occlusion.hand)) drawMesh(buffer, mesh, turned);
  }
  const linear = new Float32Array(side * side * 3);
  paintBackground(conditions.texture, side, side, linear);
  illuminate(buffer, conditions.light, unit, linear);
  return develop(reduce(linear, size), size, conditions.camera, new Random(conditions.texture, 2));
}

/** Rows of the rotation by pitch, then yaw, then roll. */
function rotation({ yaw, pitch, roll }: Pick<Pose, 'yaw' | 'pitch' | 'roll'>): number[] {
  const [cy, sy] = [Math.cos(yaw), Math.sin(yaw)];
  const [cp, sp] = [Math.cos(pitch), Math.sin(pitch)];
  const [cr, sr] = [Math.cos(roll), Math.sin(roll)];
  // Ry · Rx with y down: looking down (pitch > 0) moves the front of the face towards +y.
  const m = [cy, -sy * sp, sy * cp, 0, cp, sp, -sy, -cy * sp, cy * cp];
  return [
    cr * m[0] - sr * m[3],
    cr * m[1] - sr * m[4],
    cr * m[2] - sr * m[5],
    sr * m[0] + cr * m[3],
    sr * m[1] + cr * m[4],
    sr * m[2] + cr * m[5],
    m[6],
    m[7],
    m[8],
  ];
}

/** Averages the samples of each pixel. */
function reduce(samples: Float32Array, size: number): Float32Array {
  const side = size * supersampling;
  const out = new Float32Array(size * size * 3);
  const weight = 1 / supersampling ** 2;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const from = (y * side + x) * 3;
      const to = (Math.floor(y / supersampling) * size + Math.floor(x / supersampling)) * 3;
      out[to] += samples[from] * weight;
      out[to + 1] += samples[from + 1] * weight;
      out[to + 2] += samples[from + 2] * weight;
    }
  }
  return out;
}

/** Steps of the table from linear light (0 … 2) to display tone. */
const toneSteps = 4096;
const toneTable = Float32Array.from({ length: toneSteps + 1 }, (_, i) => 255 * ((2 * i) / toneSteps) ** (1 / 2.2));

/** Lens blur, exposure, saturation, gamma, contrast and sensor noise: linear light to 8-bit pixels. */
function develop(linear: Float32Array, size: number, camera: Camera, random: Random): Picture {
  const blurred = blur(linear, size, (camera.blur * size) / 160);
  const data = new Uint8Array(size * size * 3);
  for (let i = 0; i < data.length; i += 3) {
    const grey = 0.3 * blurred[i] + 0.59 * blurred[i + 1] + 0.11 * blurred[i + 2];
    for (let channel = 0; channel < 3; channel++) {
      const value = (grey + camera.saturation * (blurred[i + channel] - grey)) * camera.exposure;
      const tone = toneTable[Math.round(clamp(value, 0, 2) * (toneSteps / 2))];
      const graded = 118 + (tone - 118) * camera.contrast;
      data[i + channel] = clamp(Math.round(graded + camera.noise * nearlyGaussian(random)), 0, 255);
    }
  }
  return { width: size, height: size, data };
}

/** Mean 0, deviation 1: the sum of the four bytes of one draw (Irwin and Hall), cheap enough for every pixel. */
function nearlyGaussian(random: Random): number {
  const word = random.uint32();
  // Each byte has variance (256² − 1) / 12, so four have the deviation 147.8.
  return ((word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24) - 510) / 147.8;
}

/** Separable Gaussian blur of `[size, size, 3]`; borders repeat. */
function blur(image: Float32Array, size: number, sigma: number): Float32Array {
  if (sigma < 0.2) return image;
  const radius = Math.ceil(2.5 * sigma);
  const kernel = Float32Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
  );
  const total = kernel.reduce((sum, value) => sum + value);
  const pass = (source: Float32Array, stepX: number, stepY: number) => {
    const out = new Float32Array(source.length);
    for (let y = 0, o = 0; y < size; y++) {
      for (let x = 0; x < size; x++, o += 3) {
        for (let k = -radius; k <= radius; k++) {
          const from = (clamp(y + k * stepY, 0, size - 1) * size + clamp(x + k * stepX, 0, size - 1)) * 3;
          const weight = kernel[k + radius] / total;
          out[o] += weight * source[from];
          out[o + 1] += weight * source[from + 1];
          out[o + 2] += weight * source[from + 2];
        }
      }
    }
    return out;
  };
  return pass(pass(image, 1, 0), 0, 1);
}
