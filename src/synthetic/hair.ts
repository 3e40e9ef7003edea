// Hair: a shell over the skull that dips under the skin at the hairline, with a curtain, a bun or a hat where worn.
import { headPoint, section } from './head.js';
import type { Identity } from './identity.js';
import { ellipsoid, gridMesh, type Mesh, paintUniformly } from './mesh.js';
import { type Colour, mix, noise, smoothstep } from './numeric.js';

const columns = 97;
const rows = 64;

/** How each style differs: volume factor, offset of the front hairline, how far down it reaches at the back. */
const styles = {
  bald: { volume: 0, lower: 0, nape: 0.4 },
  cropped: { volume: 0.35, lower: 0, nape: 0.45 },
  short: { volume: 1, lower: 0.02, nape: 0.5 },
  parted: { volume: 1.15, lower: 0.04, nape: 0.55 },
  fringe: { volume: 1.05, lower: 0.3, nape: 0.6 },
  long: { volume: 1.2, lower: 0.02, nape: 0.75 },
  bun: { volume: 0.7, lower: -0.02, nape: 0.45 },
  afro: { volume: 3.1, lower: 0.02, nape: 0.5 },
} as const satisfies Record<Identity['hairStyle'], object>;

/** The person's hair, at rest pose; nothing for a bald head. */
export function hairMeshes(identity: Identity): Mesh[] {
  if (identity.hairStyle === 'bald') return [];
  const meshes = [hairShell(identity)];
  if (identity.hairStyle === 'long') meshes.push(curtain(identity));
  if (identity.hairStyle === 'bun') {
    const bun = ellipsoid([0, -identity.shape.crown - 0.08, -0.25], [0.3, 0.26, 0.3]);
    meshes.push(strands(bun, identity, 24));
  }
  return meshes;
}

function hairShell(identity: Identity): Mesh {
  const { shape, hairStyle, texture } = identity;
  const style = styles[hairStyle];
  const volume = identity.hairVolume * style.volume;
  const at = { y: 0, width: 0, front: 0, back: 0 };
  const mesh = gridMesh(columns, rows, (column, row, out, offset) => {
    const angle = (2 * Math.PI * column) / (columns - 1) - Math.PI;
    // Crown to a little below the ears; the shell is hidden inside the head below the hairline.
    section(shape, mix(-1, 0.62, smoothstepRow(row)), at);
    headPoint(at, angle, out, offset);
    const above = hairlineAt(identity, style, angle) - out[offset + 1];
    const curly = hairStyle === 'afro' ? 0.12 * noise(texture + 11, angle * 6, out[offset + 1] * 9) : 0;
    const wavy = 1 + curly + 0.12 * noise(texture + 12, angle * 3, out[offset + 1] * 3);
    const grown = volume * smoothstep(0, 0.2, above) * wavy + 0.02 * smoothstep(-0.02, 0.03, above);
    const lift = grown - 0.06 * smoothstep(0.01, -0.05, above);
    // Away from the head's axis and upwards near the crown.
    const radius = Math.hypot(out[offset], out[offset + 2]) || 1;
    const up = smoothstep(0.75, 0.1, radius);
    out[offset] *= 1 + (lift / radius) * (1 - 0.5 * up);
    out[offset + 2] *= 1 + (lift / radius) * (1 - 0.5 * up);
    out[offset + 1] -= lift * up;
  });
  return strands(mesh, identity, 40);
}

/** Height (y) of the hairline at an angle about the head: high in front, down at the temples, to the nape behind. */
function hairlineAt(identity: Identity, style: { lower: number; nape: number }, angle: number): number {
  const side = Math.abs(angle);
  const parting = identity.hairStyle === 'parted' ? 0.12 * Math.sin(angle * 1.3) : 0;
  const ragged = 0.03 * noise(identity.texture + 13, angle * 9, 0);
  const forehead = -identity.hairline + style.lower + parting + ragged - 0.06 * smoothstep(0.35, 0.75, side);
  const temple = mix(forehead, 0.12, smoothstep(0.95, 1.3, side));
  return mix(temple, style.nape, smoothstep(1.75, 2.2, side));
}

/** Long hair: two sides and the back of a widening curtain down to the shoulders. */
function curtain(identity: Identity): Mesh {
  const { shape, texture, hairVolume } = identity;
  const mesh = gridMesh(72, 24, (column, row, out, offset) => {
    const angle = mix(1.32, 2 * Math.PI - 1.32, column / 71);
    const down = row / 23;
    const wave = 0.05 * noise(texture + 14, angle * 5, down * 5);
    const radius = shape.width + hairVolume * 1.1 + wave + 0.1 * down;
    out[offset] = radius * Math.sin(angle);
    out[offset + 1] = mix(-0.5, 1.45, down);
    out[offset + 2] = radius * Math.cos(angle) * 1.05 - 0.02;
  });
  return strands(mesh, identity, 40);
}

/** Colours a mesh as hair: strands run down the columns. */
function strands(mesh: Mesh, identity: Identity, density: number): Mesh {
  const { hair, texture } = identity;
  const { positions, colours } = mesh;
  for (let i = 0, c = 0; i < positions.length; i += 3, c += 4) {
    const angle = Math.atan2(positions[i], positions[i + 2]);
    const y = positions[i + 1];
    const tone =
      1 +
      0.28 * noise(texture + 15, angle * density * 0.4, y * 2.2) +
      0.16 * noise(texture + 16, angle * density, y * 4);
    colours[c] = hair[0] * tone;
    colours[c + 1] = hair[1] * tone;
    colours[c + 2] = hair[2] * tone;
    colours[c + 3] = 0.16;
  }
  return mesh;
}

/** A cap or knitted hat over the skull, with a brim. */
export function hatMeshes(identity: Identity, colour: Colour): Mesh[] {
  const { shape, hairline } = identity;
  const at = { y: 0, width: 0, front: 0, back: 0 };
  const rim = -Math.max(hairline - 0.14, 0.4);
  const thickness = 0.1 + Math.min(identity.hairVolume * styles[identity.hairStyle].volume * 0.5, 0.12);
  const crown = gridMesh(65, 24, (column, row, out, offset) => {
    section(shape, mix(-1, rim / shape.crown, row / 23), at);
    headPoint(at, (2 * Math.PI * column) / 64 - Math.PI, out, offset);
    const radius = Math.hypot(out[offset], out[offset + 2]) || 1;
    const grow = 1 + thickness / Math.max(radius, 0.3);
    out[offset] *= grow;
    out[offset + 2] *= grow;
    out[offset + 1] -= thickness * smoothstep(0.8, 0.2, radius);
  });
  const brim = gridMesh(33, 6, (column, row, out, offset) => {
    section(shape, rim / shape.crown, at);
    const angle = mix(-1.15, 1.15, column / 32);
    headPoint(at, angle, out, offset);
    const grow = 1.1 + 0.07 * row * Math.cos(angle);
    out[offset] *= grow;
    out[offset + 2] *= grow;
    out[offset + 1] += 0.012 * row * Math.cos(angle);
  });
  return [crown, brim].map((mesh) => paintUniformly(mesh, colour, 0.05));
}

function smoothstepRow(row: number): number {
  const t = row / (rows - 1);
  return 0.6 * t + 0.4 * (0.5 - 0.5 * Math.cos(Math.PI * t));
}
