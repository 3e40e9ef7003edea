// A face model of the published architecture with narrow stages and random weights: quick to run, and deep enough to err.
import { Random } from '../common/random.js';
import { Graph, serialize } from '../graph/index.js';
import { publishedInput } from '../images/input.js';
import { encodeMetadata } from '../models/metadata.js';
import { InferenceBuilder, initialize, sfnet, TrainingBuilder } from '../nn/index.js';

const options = { depth: 20, widths: [16, 24, 32, 48], embeddingSize: 64 } as const;

/** The bytes of the model file: input `images`, output `embedding` of 64 values. */
export function narrowFaceModel(): Uint8Array {
  const declared = new TrainingBuilder(new Graph());
  sfnet(declared, declared.graph.input('images', 'float32', [1, 3, 112, 96]), options);
  // Residual units start near zero (σ = 0.01); give them the size that they have in a trained network.
  const specs = declared.specs.map((spec) =>
    spec.filler.type === 'gaussian' ? { ...spec, filler: { type: 'gaussian', std: 0.06 } as const } : spec,
  );
  const net = new InferenceBuilder(new Graph(), initialize(specs, new Random(3)));
  const embedding = sfnet(net, net.graph.input('images', 'float32', [1, 3, 112, 96]), options);
  return serialize(net.graph, {
    outputs: { embedding },
    metadata: encodeMetadata({ input: publishedInput, embeddingSize: options.embeddingSize }),
    dynamicAxes: { images: { 0: 'batch' }, embedding: { 0: 'batch' } },
  });
}
