// The face as a mesh: the head's surface with relief and colours, dense where the features are.
import type { Conditions } from './conditions.js';
import { headPoint, jawDrop, relief, section } from './head.js';
import type { Identity } from './identity.js';
import { ellipsoid, gridMesh, type Mesh, paintUniformly } from './mesh.js';
import { clamp } from './numeric.js';
import { SkinPainter } from './skin.js';

const columns = 145;
const rows = 180;
/** How far round the head the face's mesh goes, radians from the front; what is behind is never seen. */
const reach = 2.4;

/** The face and the head's sides, at rest pose (unrotated). */
export function faceMesh(identity: Identity, conditions: Conditions): Mesh {
  const { shape, age } = identity;
  const { expression } = conditions;
  const at = { y: 0, width: 0, front: 0, back: 0 };
  const rest = new Float32Array(columns * rows * 3);
  let sectionRow = -1;
  const mesh = gridMesh(columns, rows, (column, row, out, offset) => {
    if (row !== sectionRow) {
      section(shape, rowPosition(row), at);
      sectionRow = row;
    }
    const angle = columnAngle(column);
    headPoint(at, angle, out, offset);
    rest[offset] = out[offset];
    rest[offset + 1] = out[offset + 1];
    const facing = Math.cos(angle);
    rest[offset + 2] = facing;
    if (facing <= 0) return;
    const x = out[offset];
    const y = out[offset + 1];
    out[offset + 2] += relief(shape, expression, age, x, y) * Math.min(1, facing * 2.2);
    out[offset + 1] += jawDrop(shape, expression, x, y);
  });
  const painter = new SkinPainter(identity, expression);
  for (let i = 0, c = 0; i < rest.length; i += 3, c += 4) {
    painter.paint(rest[i], rest[i + 1], rest[i + 2], mesh.colours, c);
  }
  return mesh;
}

/** Two ears. */
export function earMeshes(identity: Identity): Mesh[] {
  const { shape, skin } = identity;
  const tone = [skin[0] * 1.02, skin[1] * 0.9, skin[2] * 0.88] as const;
  return [-1, 1].map((side) => {
    const centre = [side * shape.width * 1.01, 0.14, -0.06] as const;
    return paintUniformly(ellipsoid(centre, [0.07, shape.earSize, 0.11], 14, 12), tone, 0.15);
  });
}

/** −1 (crown) … 1 (chin): denser near the ends, where the surface turns away. */
function rowPosition(row: number): number {
  const t = row / (rows - 1);
  return clamp(0.55 * (2 * t - 1) - 0.45 * Math.cos(Math.PI * t), -1, 1);
}

function columnAngle(column: number): number {
  const t = (2 * column) / (columns - 1) - 1;
  return reach * t * (0.58 + 0.42 * t * t);
}
