// What a step measures and the statistics that it moves, as means over the ranks.
import type { Communicator } from '../distributed/index.js';
import type { StepOutcome } from './step-runner.js';

type Means = Pick<StepOutcome, 'measures' | 'statistics'>;

/** The means over ranks, each of which made the same number of passes over the same number of images. */
export async function meansOverRanks({ measures, statistics }: Means, communicator: Communicator): Promise<Means> {
  const { size } = communicator;
  if (size === 1) return { measures, statistics };
  const numbers = Float64Array.from(measures.values(), (value) => value / size);
  const lengths = [...statistics.values()].map(({ length }) => length);
  const moved = new Float32Array(lengths.reduce((sum, length) => sum + length, 0));
  let end = 0;
  for (const data of statistics.values()) moved.set(data, (end += data.length) - data.length);
  await Promise.all([communicator.allReduce(numbers), communicator.allReduce(moved)]);
  end = 0;
  return {
    measures: new Map([...measures.keys()].map((name, i) => [name, numbers[i]])),
    statistics: new Map(
      [...statistics].map(([name, { length }]) => {
        const start = end;
        end += length;
        return [name, moved.slice(start, end).map((value) => value / size)];
      }),
    ),
  };
}
