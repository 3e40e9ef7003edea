// What is around the face: neck and shoulders, glasses, a hand.
import type { Conditions } from './conditions.js';
import type { Identity } from './identity.js';
import { ellipsoid, gridMesh, type Mesh, paintUniformly, tube } from './mesh.js';
import type { Colour } from './numeric.js';

/** Neck and shoulders; they do not turn with the head. */
export function bodyMeshes(identity: Identity, conditions: Conditions): Mesh[] {
  const { shape, skin } = identity;
  const radius = shape.width * 0.56;
  const neck = gridMesh(33, 10, (column, row, out, offset) => {
    const angle = (2 * Math.PI * column) / 32 - Math.PI;
    const flare = 1 + 0.25 * (row / 9) ** 2;
    out[offset] = radius * flare * Math.sin(angle);
    out[offset + 1] = 0.5 + 1.3 * (row / 9);
    out[offset + 2] = radius * flare * Math.cos(angle) - 0.25;
  });
  const shade: Colour = [skin[0] * 0.9, skin[1] * 0.85, skin[2] * 0.85];
  const shoulders = ellipsoid([0, shape.chin + 1.12, -0.35], [1.65, 0.72, 0.6], 40, 24);
  return [paintUniformly(neck, shade, 0.08), paintUniformly(shoulders, conditions.clothes, 0.04)];
}

/** Frames before the eyes, with temples back to the ears; sunglasses have dark lenses as well. */
export function glassesMeshes(identity: Identity, conditions: Conditions): Mesh[] {
  const { shape, glasses } = identity;
  const meshes: Mesh[] = [];
  const depth = 0.72;
  const centreX = shape.eyeSpacing + 0.01;
  const halfWidth = Math.min(shape.eyeWidth * 1.3, centreX - 0.06);
  const halfHeight = glasses.round ? halfWidth * 0.92 : halfWidth * 0.7;
  const power = glasses.round ? 1 : 0.62;
  const rim = (side: number, angle: number, grow = 1) => {
    const c = Math.cos(angle);
    const s = Math.sin(angle);
    return [
      side * centreX + grow * halfWidth * Math.sign(c) * Math.abs(c) ** power,
      0.015 + grow * halfHeight * Math.sign(s) * Math.abs(s) ** power,
      depth - 0.09 * (Math.abs(side * centreX + halfWidth * c) / 0.5) ** 2,
    ] as const;
  };
  for (const side of [-1, 1]) {
    const path = Array.from({ length: 41 }, (_, i) => rim(side, (2 * Math.PI * i) / 40));
    meshes.push(tube(path, glasses.thickness));
    const outer = side * (centreX + halfWidth);
    meshes.push(
      tube(
        [
          [outer, -0.02, depth - 0.09],
          [side * shape.width * 1.02, 0.0, 0.25],
          [side * shape.width * 1.04, 0.04, -0.1],
        ],
        glasses.thickness * 0.9,
      ),
    );
  }
  const inner = centreX - halfWidth;
  meshes.push(
    tube(
      [
        [-inner, -0.02, depth],
        [0, -0.045, depth + 0.03],
        [inner, -0.02, depth],
      ],
      glasses.thickness,
    ),
  );
  for (const mesh of meshes) paintUniformly(mesh, glasses.frame, 0.5);
  if (conditions.occlusion.sunglasses) {
    for (const side of [-1, 1]) {
      const lens = gridMesh(41, 2, (column, row, out, offset) => {
        const point = rim(side, (2 * Math.PI * column) / 40, row === 0 ? 1 : 0.01);
        out.set(point, offset);
      });
      meshes.push(paintUniformly(lens, [0.012, 0.012, 0.014], 0.8));
    }
  }
  return meshes;
}

/** Four fingers and the back of a hand laid against the cheek and chin from one side. */
export function handMeshes(identity: Identity, side: -1 | 1): Mesh[] {
  const { shape, skin } = identity;
  const meshes = [ellipsoid([side * 0.62, shape.chin + 0.12, 0.42], [0.22, 0.34, 0.16])];
  for (let finger = 0; finger < 4; finger++) {
    const y = shape.mouthHeight + 0.16 + finger * 0.115;
    const tip = 0.3 + 0.04 * Math.abs(finger - 1.4);
    meshes.push(
      tube(
        [
          [side * 0.66, y + 0.16, 0.42],
          [side * 0.55, y + 0.05, 0.58],
          [side * 0.44, y, 0.68],
          [side * tip, y - 0.02, 0.74],
          [side * (tip - 0.03), y - 0.02, 0.72],
        ],
        0.062,
        12,
      ),
    );
  }
  for (const mesh of meshes) paintUniformly(mesh, skin, 0.12);
  return meshes;
}
