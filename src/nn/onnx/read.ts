// Any ONNX network of known operators as a network that trains: its nodes become ops of the graph, its initializers parameters.
import { SphereFaceError } from '../../common/errors.js';
import {
  type GraphProto,
  type NodeProto,
  type ParsedModel,
  type TensorProto,
  tensorNumbers,
} from '../../graph/onnx/index.js';
import { ShapeError, sizeOf, Value } from '../../graph/index.js';
import type { NetworkBuilder, ParameterRole } from '../parameters.js';
import { NodeAttributes } from './attributes.js';
import { fold, foldable } from './fold.js';
import type { Known } from './known.js';
import { type BatchNormMode, Call, type Operand, type ReadingContext } from './operand.js';
import { operators } from './operators/index.js';

/** How to read. */
export interface OnnxNetworkOptions {
  /** Which of the model's outputs, or of its inner tensors, is the embedding; its only output by default. */
  readonly output?: string;
  /**
   * `frozen`: batch normalisation uses the model's statistics, as it does when deployed. `update`: it normalises by the batch while
   * training and moves the statistics. Default `frozen`.
   */
  readonly batchNorm?: BatchNormMode;
  /** The share that Dropout nodes drop in training; by default what each of them says. 0: none. */
  readonly dropout?: number;
  /** Parameters whose name matches one of these (`*` stands for anything) keep their values. */
  readonly freeze?: readonly string[];
  /** All parameters met up to this tensor or node, and it, keep their values. */
  readonly freezeUntil?: string;
}

/** The operator sets that are read. */
export const readOpsets = { first: 7, last: 24 } as const;

/** ONNX's own domain has two names. */
const isOwnDomain = (domain: string): boolean => domain === '' || domain === 'ai.onnx';

/**
 * The embedding [n, …] of images [n, 3, h, w] by the network of a model. Declares the parameters that the output needs, named as the
 * model's initializers, with the model's numbers as their start; weights, biases and slopes are trained, and so is stored data that
 * meets learned features. What stands before the first parameter is preprocessing and stays as it is.
 * @throws SphereFaceError for a model with operators that are not known (all of them are listed), or that does not fit together.
 */
export function onnxNetwork(
  net: NetworkBuilder,
  images: Value,
  model: ParsedModel,
  options: OnnxNetworkOptions = {},
): Value {
  const { graph } = model;
  const output = outputOf(graph, options.output);
  const nodes = neededFor(graph, output);
  const opset = opsetOf(model);
  refuseUnknown(nodes);

  const stored = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const entry = entryOf(graph, stored);
  const operands = new Map<string, Operand>([[entry.name, { kind: 'value', value: images, learned: false }]]);
  const freezing = new Freezing(options, nodes, graph);
  const parameters = new Map<string, Value>();
  const context: ReadingContext = {
    net,
    graph: net.graph,
    opset,
    batchNorm: options.batchNorm ?? 'frozen',
    dropout: options.dropout,
    batch: { stated: entry.batch, built: images.shape[0] },
    parameter: ({ name, shape, data }, role) => {
      const known = parameters.get(name);
      if (known !== undefined) return known;
      const held = freezing.holds(name) || (role === 'statistic' && context.batchNorm === 'frozen');
      const value = net.parameter({
        name,
        role,
        shape,
        filler: { type: 'stored', data },
        ...(held ? { learningRateMultiplier: 0 } : {}),
        ...(decayed.has(role) ? {} : { decayMultiplier: 0 }),
      });
      parameters.set(name, value);
      return value;
    },
  };

  const operandOf = (name: string, node: NodeProto): Operand => {
    const present = operands.get(name);
    if (present !== undefined) return present;
    const tensor = stored.get(name);
    if (tensor === undefined) {
      throw new SphereFaceError(
        `The model's ${node.opType} node "${node.name}" reads "${name}", which nothing before it makes.`,
        {
          expected: 'nodes in the order in which they can be computed',
        },
      );
    }
    const operand = operandFrom(tensor, 'initializer');
    operands.set(name, operand);
    return operand;
  };

  for (const node of nodes) {
    freezing.enter(node);
    const attributes = new NodeAttributes(node);
    const inputs = node.input.map((name) => (name === '' ? undefined : operandOf(name, node)));
    const call = new Call(context, node, attributes, inputs);
    resultsOf(call).forEach((result, i) => {
      const name = node.output[i];
      if (name !== undefined && name !== '') operands.set(name, asOperand(result, call));
    });
  }

  const embedding = operands.get(output);
  if (embedding?.kind !== 'value' || !embedding.learned) {
    throw new SphereFaceError(`The model's "${output}" does not depend on any parameter.`, {
      next: 'name the embedding with network.output',
    });
  }
  return embedding.value;
}

/** What weight decay acts on: not on offsets, nor on what scales normalised features. */
const decayed: ReadonlySet<ParameterRole> = new Set(['filters', 'weight']);

/** The most elements that a tensor may have: 16 GiB of float32, beyond what any face network needs. */
const mostElements = 2 ** 32;

/** The node's outputs. A node whose attributes and shapes do not belong together fails by its name, whatever it trips over. */
function resultsOf(call: Call): readonly (Value | Known | Operand)[] {
  const { opType } = call.node;
  let results: readonly (Value | Known | Operand)[];
  try {
    results = opType === 'Constant' ? [constantOf(call)] : (fold(call) ?? applied(call));
  } catch (error) {
    if (error instanceof ShapeError) throw call.wrong(error.parts.got!, error.parts.expected);
    if (error instanceof TypeError || error instanceof RangeError)
      throw call.wrong(error.message, 'a node that is whole');
    throw error;
  }
  for (const result of results) {
    if (result instanceof Value && result.size > mostElements)
      throw call.wrong(`[${result.shape.join(', ')}]`, `at most ${mostElements} elements`);
  }
  return results;
}

function applied(call: Call): readonly (Value | Known)[] {
  const operator = operators.get(call.node.opType);
  if (operator === undefined) throw call.wrong('inputs that depend on the picture', 'numbers that are known before');
  return operator(call);
}

function asOperand(result: Value | Known | Operand, call: Call): Operand {
  if (result instanceof Value) return { kind: 'value', value: result, learned: call.learned };
  return 'kind' in result ? result : { kind: 'known', known: result };
}

/**
 * Integers and single numbers are known at once; other data waits for its use. A single number may be a parameter all the same where it has
 * an axis, as trained ones do ([1]); those of activation functions and the like have none ([]).
 */
function operandFrom(tensor: TensorProto, from: 'initializer' | 'constant'): Operand {
  const { type, shape, data } = tensorNumbers(tensor, 'the model');
  const known = (): Known => ({ type, shape, data: Array.from(data) });
  if (type === 'integer' || sizeOf(shape) === 0) return { kind: 'known', known: known() };
  const stored = { name: tensor.name, shape, data: Float32Array.from(data), from };
  if (sizeOf(shape) > 1) return { kind: 'stored', stored };
  return { kind: 'known', known: known(), ...(shape.length === 0 || from === 'constant' ? {} : { stored }) };
}

/** A Constant node: a tensor, or numbers in one of the other attributes. */
function constantOf(call: Call): Operand {
  const { attributes, node } = call;
  const tensor = attributes.tensor('value');
  if (tensor !== undefined) return operandFrom({ ...tensor, name: node.output[0] }, 'constant');
  const number = (type: Known['type'], data: readonly number[], shape: readonly number[]): Operand => ({
    kind: 'known',
    known: { type, shape, data },
  });
  if (attributes.has('value_int')) return number('integer', [attributes.int('value_int', 0)], []);
  if (attributes.has('value_float')) return number('float', [attributes.float('value_float', 0)], []);
  const ints = attributes.ints('value_ints', undefined);
  if (ints !== undefined) return number('integer', ints, [ints.length]);
  const floats = attributes.floats('value_floats');
  if (floats !== undefined) return number('float', floats, [floats.length]);
  throw call.wrong('a constant of another kind than numbers');
}

function opsetOf(model: ParsedModel): number {
  const version = Number(model.opsetImport.find(({ domain }) => isOwnDomain(domain))?.version ?? 1n);
  if (version >= readOpsets.first && version <= readOpsets.last) return version;
  throw new SphereFaceError(
    'The model uses a version of the ONNX operators that cannot be read as a network to train.',
    {
      got: `operator set ${version}`,
      expected: `${readOpsets.first} to ${readOpsets.last}`,
      next: 'export the model again with another opset_version',
    },
  );
}

/** The name of the embedding among the model's outputs. */
function outputOf(graph: GraphProto, wanted: string | undefined): string {
  const names = graph.output.map(({ name }) => name);
  if (wanted !== undefined) {
    if (names.includes(wanted) || graph.node.some(({ output }) => output.includes(wanted))) return wanted;
    throw new SphereFaceError(`The model has no tensor "${wanted}".`, { expected: `an output: ${names.join(', ')}` });
  }
  const [only, ...others] = names;
  if (only !== undefined && others.length === 0) return only;
  throw new SphereFaceError('It is not clear which output of the model is the embedding.', {
    got: names.length === 0 ? 'no outputs' : `outputs ${names.join(', ')}`,
    next: 'name it with network.output',
  });
}

/** The one input that is fed, and the number of images that it states. */
function entryOf(
  graph: GraphProto,
  stored: ReadonlyMap<string, TensorProto>,
): { readonly name: string; readonly batch: number | undefined } {
  const fed = graph.input.filter(({ name }) => !stored.has(name));
  if (fed.length !== 1) {
    throw new SphereFaceError('A network that is to be trained takes one input, the images.', {
      got: `inputs ${fed.map(({ name }) => name).join(', ') || 'none'}`,
    });
  }
  const [{ name, type }] = fed;
  const size = Number(type?.tensorType?.shape?.dim[0]?.dimValue ?? 0n);
  return { name, batch: size > 0 ? size : undefined };
}

/** The nodes that a tensor needs, in the model's order. */
function neededFor(graph: GraphProto, output: string): NodeProto[] {
  const needed = new Set([output]);
  const nodes = graph.node.toReversed().filter((node) => {
    if (!node.output.some((name) => name !== '' && needed.has(name))) return false;
    for (const name of node.input) needed.add(name);
    return true;
  });
  return nodes.reverse();
}

function refuseUnknown(nodes: readonly NodeProto[]): void {
  const known = new Set([...operators.keys(), ...foldable, 'Constant']);
  const missing = new Set<string>();
  for (const { opType, domain } of nodes) {
    if (!isOwnDomain(domain)) missing.add(`${domain}.${opType}`);
    else if (!known.has(opType)) missing.add(opType);
  }
  if (missing.size === 0) return;
  throw new SphereFaceError('The model has operators that cannot be trained here.', {
    got: [...missing].sort().join(', '),
    expected: `operators among ${[...known].sort().join(', ')}`,
    next: 'export the model with standard operators only, without runtime optimisations or quantisation',
  });
}

/** Decides which parameters keep their values. */
class Freezing {
  private readonly patterns: readonly RegExp[];
  private open: boolean;
  private leaving = false;

  constructor({ freeze = [], freezeUntil }: OnnxNetworkOptions, nodes: readonly NodeProto[], graph: GraphProto) {
    this.patterns = freeze.map((pattern) => {
      const parts = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
      return new RegExp(`^${parts.join('.*')}$`);
    });
    const names = graph.initializer.map(({ name }) => name);
    freeze.forEach((pattern, i) => {
      if (names.some((name) => this.patterns[i].test(name))) return;
      throw new SphereFaceError(`No parameter of the model matches "${pattern}".`, {
        expected: `names such as ${names.slice(0, 5).join(', ')}`,
      });
    });
    this.open = freezeUntil !== undefined;
    if (freezeUntil === undefined) return;
    this.last = nodes.find(({ name, output }) => name === freezeUntil || output.includes(freezeUntil));
    if (this.last !== undefined) return;
    throw new SphereFaceError(`The model has no node or tensor "${freezeUntil}" to freeze until.`, {
      expected: `names such as ${nodes
        .slice(0, 5)
        .map(({ name, output }) => name || output[0])
        .join(', ')}`,
    });
  }

  private readonly last: NodeProto | undefined;

  /** Told of each node before its parameters are asked about. */
  enter(node: NodeProto): void {
    if (this.leaving) this.open = false;
    this.leaving = node === this.last;
  }

  holds(parameter: string): boolean {
    return this.open || this.patterns.some((pattern) => pattern.test(parameter));
  }
}
