// What a step costs each rank, on paper, by the number of identities: `npm run bench -- scaling [ranks]`. The table of docs/scaling.md.
import { buildStep, classifierName, loadRecipe } from '../dist/training/index.js';

const batch = 512;
const size = 512;
const float = 4;
/** Share of the classifier's rows that sampling takes into a step. */
const sampleRate = 0.1;

/** What one way of holding the classifier costs. */
interface Cost {
  /** Bytes that a rank sends (and receives) in a step. */
  readonly sent: number;
  /** Bytes of the classifier on a rank: rows, momentum, gradient and the scores of a step. */
  readonly memory: number;
  /** Multiplications and additions of the classifier on a rank in a step: scores, and both their gradients; in shards the scores twice. */
  readonly operations: number;
}

function costs(identities: number, ranks: number, backbone: number): Record<'dense' | 'sharded' | 'sampled', Cost> {
  // Each element leaves a rank once to be added up and once as the sum, all but the rank's own share.
  const toAll = (ranks - 1) / ranks;
  const summed = (elements: number): number => 2 * toAll * elements * float;
  const images = batch / ranks;
  // Embeddings and labels of the batch come together; five numbers of each image are joined, in float64; embeddings' gradients go back.
  const joined = summed(5 * batch) * 2;
  const exchanged = (ranks - 1) * images * (size + 1) * float + joined + toAll * batch * size * float;
  const rows = identities / ranks;
  const sampled = Math.min(rows, Math.max(rows * sampleRate, batch));
  // Rows, momentum, gradient, and some copies of what is computed at once: all, or a block of rows.
  const held = (count: number, used: number, copied: number, scored: number): number =>
    (2 * count * size + (used + copied) * size + scored) * float;
  const block = (used: number): number => Math.min(used, 8192) * (4 * size + 4 * batch);
  return {
    dense: {
      sent: summed(backbone + identities * size),
      memory: held(identities, identities, identities, images * identities),
      operations: 6 * images * identities * size,
    },
    sharded: {
      sent: summed(backbone) + exchanged,
      memory: held(rows, rows, 0, block(rows)),
      operations: 8 * batch * rows * size,
    },
    sampled: {
      sent: summed(backbone) + exchanged,
      memory: held(rows, sampled, sampled, block(sampled)),
      operations: 8 * batch * sampled * size,
    },
  };
}

export async function run([given = '8']: readonly string[]): Promise<void> {
  const ranks = Number(given);
  const { specs } = buildStep(await loadRecipe('sphereface-m4'), 2);
  const backbone = specs
    .filter(({ name }) => name !== classifierName)
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  console.log(
    `${ranks} ranks, ${batch} images a step, embeddings of ${size}, SphereFace-20 (${(backbone / 1e6).toFixed(1)} million parameters), ${sampleRate * 100} % of the rows sampled`,
  );
  console.log(
    '| identities | classifier | sent per rank and step | memory of the classifier per rank | its GFLOP per rank and step |',
  );
  console.log('| --- | --- | --- | --- | --- |');
  for (const identities of [1e4, 1e5, 1e6, 1e7]) {
    for (const [name, { sent, memory, operations }] of Object.entries(costs(identities, ranks, backbone))) {
      const cells = [
        identities.toLocaleString('en'),
        name,
        bytes(sent),
        bytes(memory),
        String(Number((operations / 1e9).toPrecision(3))),
      ];
      console.log(`| ${cells.join(' | ')} |`);
    }
  }
}

function bytes(count: number): string {
  return count < 1e9 ? `${(count / 1e6).toFixed(0)} MB` : `${(count / 1e9).toFixed(1)} GB`;
}
