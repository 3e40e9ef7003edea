// The networks that the speed benchmarks compare with their twins in PyTorch (peer_torch.py), and the settings all of them share.
import { UsageError } from '../dist/common/errors.js';
import { loadRecipe, type Recipe } from '../dist/training/index.js';

export const identities = 10_572;
export const threads = 2;

export interface BenchNetwork {
  /** Its name here and in peer_torch.py. */
  readonly name: string;
  readonly title: string;
  /** What it changes of the published recipe. */
  readonly settings: readonly string[];
  /** Multiplications of the forward pass of an image of 112 x 96, the classifier's included. */
  readonly multiplications: number;
}

const networks: readonly BenchNetwork[] = [
  { name: 'sfnet20', title: 'SphereFace-20', settings: [], multiplications: 1.75e9 + 512 * identities },
  {
    name: 'mobilefacenet',
    title: 'MobileFaceNet',
    settings: ['network={type: mobilefacenet}'],
    multiplications: 0.19e9 + 128 * identities,
  },
];

export const defaultNetwork = networks[0].name;

export function networkOf(name: string): BenchNetwork {
  const network = networks.find((one) => one.name === name);
  if (network !== undefined) return network;
  const expected = networks.map((one) => one.name).join(' or ');
  throw new UsageError('--network names no network of the benchmarks.', { got: name, expected });
}

/** The published recipe of A-Softmax m = 4 with a network, its pictures 112 high and 96 wide. */
export function recipeOf({ settings }: BenchNetwork, more: readonly string[] = []): Promise<Recipe> {
  return loadRecipe('sphereface-m4', [...settings, ...more]);
}
