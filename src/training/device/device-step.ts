// The graph of a pass of a step whose state stays on a device. The last pass of a step contains the update: of what it computes, only one
// short vector of numbers leaves the device.
import {
  add,
  concat,
  div,
  type FormChoice,
  Graph,
  maximum,
  norm,
  reshape,
  scale,
  serialize,
  sqrt,
  square,
  sum,
  type Target,
  type Value,
} from '../../graph/index.js';
import { type MarginDescriptor, type ScheduledScalar, unitRows } from '../../losses/index.js';
import {
  type DropoutMask,
  isTrained,
  isUpdated,
  type NetworkBuilder,
  type ParameterSpec,
  type ParameterValues,
  sgdStep,
  isOfClassifier,
} from '../../nn/index.js';
import { componentsOf, type Extensions } from '../extensions.js';
import type { Recipe } from '../recipe.js';
import { earlierGradientName, type MeasureName, stepValues } from '../step-graph.js';
import { imagesFromPixels } from './pixel-images.js';

/** Which of a step's passes a graph is for: each but the first adds to the gradients of those before, and the last one updates. */
export type PassPlace = 'only' | 'first' | 'middle' | 'last';

/** A pass as an ONNX model, and what it takes and gives. */
export interface DevicePass {
  readonly model: Uint8Array;
  /** All parameters, in the order of the network. */
  readonly specs: readonly ParameterSpec[];
  readonly scalars: readonly ScheduledScalar[];
  readonly masks: readonly DropoutMask[];
  /** What the numbers of the output `report` are: measures, then norms of the gradients of these parameters. */
  readonly measures: readonly MeasureName[];
  readonly norms: readonly string[];
  /** The outputs that stay on the device, with the inputs of later passes that take them. */
  readonly leadsTo: ReadonlyMap<string, string>;
}

export interface DevicePassOptions {
  readonly place: PassPlace;
  readonly target: Target;
  /** Values of frozen parameters that do not start at their fillers. */
  readonly frozen: ParameterValues;
  readonly extensions: Extensions;
  /** See {@link withFastestForms}. */
  readonly choose?: FormChoice;
}

/** The output with the numbers that leave the device. */
export const reportName = 'report';
/** The learning rate's input. */
export const rateName = 'learningRate';

/** The name of the input with a parameter's momentum. */
export function momentumName(parameter: string): string {
  return `momentum:${parameter}`;
}

/** The inputs of a pass that are the state, with the parameters that they belong to. */
export function stateInputs(specs: readonly ParameterSpec[]): Map<string, ParameterSpec> {
  return new Map([
    ...specs.filter((spec) => isTrained(spec) || isUpdated(spec)).map((spec) => [spec.name, spec] as const),
    ...specs.filter(isTrained).map((spec) => [momentumName(spec.name), spec] as const),
  ]);
}

/** The place of a pass among those of its step. */
export function placeOf(pass: number, passes: number): PassPlace {
  if (passes === 1) return 'only';
  if (pass === 0) return 'first';
  return pass === passes - 1 ? 'last' : 'middle';
}

/** Builds a pass. Its labels are int32: the devices compute with no longer integers. */
export function buildDevicePass(
  recipe: Recipe,
  identities: number,
  { place, target, frozen, extensions, choose }: DevicePassOptions,
): DevicePass {
  const graph = new Graph();
  const { batchSize } = recipe.solver;
  const labels = graph.input('labels', 'int32', [batchSize]);
  const images = imagesFromPixels(graph, recipe.input, recipe.data, batchSize);
  const { net, scalars, measures, gradients } = stepValues(graph, { images, labels }, recipe, identities, {
    frozen,
    extensions,
  });
  const adds = place === 'middle' || place === 'last';
  const updates = place === 'only' || place === 'last';
  // Sums over the passes so far, in the order in which the backward pass comes by the gradients: the runtime computes them in this one, and
  // drops what only they need.
  const sums = new Map(
    [...gradients]
      .sort(([, a], [, b]) => a.id - b.id)
      .map(([name, grad]) => {
        const earlier = adds ? graph.input(earlierGradientName(name), 'float32', grad.shape) : undefined;
        return [name, earlier === undefined ? grad : add(grad, earlier)] as const;
      }),
  );
  const update = updates ? updateOf(net, sums, recipe, componentsOf(recipe, extensions).margin) : undefined;
  const norms = update?.norms ?? new Map<string, Value>();
  // By the inputs that take them next.
  const kept = new Map([
    ...(update?.next ?? [...sums].map(([name, total]) => [earlierGradientName(name), total] as const)),
    ...net.statistics,
  ]);
  const numbers = [...measures.values(), ...norms.values()].map((value) => reshape(value, [1]));
  const outputs = Object.fromEntries([...kept].map(([input, value]) => [nextName(input), value]));
  outputs[reportName] = concat(numbers, 0);
  return {
    model: serialize(graph, { outputs, target, choose }),
    specs: net.specs,
    scalars,
    masks: net.masks,
    measures: [...measures.keys()],
    norms: [...norms.keys()],
    leadsTo: new Map([...kept.keys()].map((input) => [nextName(input), input])),
  };
}

interface Update {
  /** Norm of each parameter's mean gradient, by name. */
  readonly norms: ReadonlyMap<string, Value>;
  /** What parameters and momentum become, by the names of their inputs. */
  readonly next: ReadonlyMap<string, Value>;
}

/** @param sums gradients over all passes of the step, whose mean the step follows. */
function updateOf(
  net: NetworkBuilder,
  sums: ReadonlyMap<string, Value>,
  recipe: Recipe,
  { unitClassifier }: Pick<MarginDescriptor, 'unitClassifier'>,
): Update {
  const { graph } = net;
  const { iterSize } = recipe.solver;
  const rate = graph.input(rateName, 'float32', []);
  const norms = new Map([...sums].map(([name, total]) => [name, scale(norm(total), 1 / iterSize)]));
  const clipped = clipping(recipe, [...norms.values()]);
  // The sums are made means by the same factor that clips them: a pass over each gradient is saved.
  const gradientScale = scale(clipped ?? graph.scalar(1), 1 / iterSize);
  const next = new Map<string, Value>();
  for (const [name, total] of sums) {
    const spec = net.specs.find((one) => one.name === name)!;
    const before = {
      value: net.values.get(name)!,
      momentum: graph.input(momentumName(name), 'float32', total.shape),
    };
    const { value, momentum } = sgdStep(before, total, { ...multiplied(spec, recipe, rate), gradientScale });
    next.set(name, spec.role === 'classifier' && unitClassifier ? unitRows(value) : value);
    next.set(momentumName(name), momentum);
  }
  return { norms, next };
}

/** The name of the output that an input takes next. */
function nextName(input: string): string {
  return `next:${input}`;
}

/** Rate and decay of a parameter. */
function multiplied(spec: ParameterSpec, { solver }: Recipe, rate: Value) {
  const { learningRateMultiplier = 1, decayMultiplier = 1 } = spec;
  const share = isOfClassifier(spec) ? 1 : solver.backboneRate;
  return {
    learningRate: scale(rate, share * learningRateMultiplier),
    momentum: solver.momentum,
    decay: solver.weightDecay * decayMultiplier,
  };
}

/** The factor on gradients that are clipped together: clipNorm / norm where the norm is larger, else 1. */
function clipping({ solver: { clipNorm } }: Recipe, norms: readonly Value[]): Value | undefined {
  if (clipNorm === null) return undefined;
  const limit = norms[0].graph.scalar(clipNorm);
  const squares = concat(
    norms.map((one) => reshape(square(one), [1])),
    0,
  );
  return div(limit, maximum(sqrt(sum(squares, { axes: [0] })), limit));
}
