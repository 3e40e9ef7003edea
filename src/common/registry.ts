// Things of one kind that are each described by one object: found by type, and joined into one schema that tells them apart by it.
import { z } from 'zod';
import { SphereFaceError } from './errors.js';

/** What every descriptor says: the type that names it, and its options with their descriptions and defaults. */
export interface Descriptor {
  /** What its options hold under the kind's key. */
  readonly type: string;
  /** A strict object; under the kind's key it takes the type. */
  readonly schema: z.ZodObject;
}

/** What the descriptors of a registry are called, and which field of their options holds the type. */
export interface Kind {
  /** In words: `margin`. */
  readonly name: string;
  readonly key: 'type' | 'form';
}

/** Options of any descriptor of a union, as people write them and as they are read. */
type AnyOf<D extends Descriptor> = z.ZodType<z.output<D['schema']>, z.input<D['schema']>>;

export class Registry<D extends Descriptor> {
  /** Takes the options of each of them; the type decides which. */
  readonly schema: AnyOf<D>;
  /** In the order of their types, so that it does not depend on how they were brought together. */
  readonly descriptors: readonly D[];
  private readonly byType: ReadonlyMap<string, D>;

  /** @throws SphereFaceError when two have the same type, or a schema does not take its type. */
  constructor(
    readonly kind: Kind,
    descriptors: readonly D[],
  ) {
    this.descriptors = [...descriptors].sort((a, b) => (a.type < b.type ? -1 : 1));
    const byType = new Map<string, D>();
    for (const descriptor of this.descriptors) {
      const { type, schema } = descriptor;
      if (byType.has(type)) {
        throw new SphereFaceError(`There are two descriptors of the ${kind.name} "${type}".`, {
          next: 'give each its own type',
        });
      }
      if (schema.shape[kind.key] === undefined || !z.safeParse(schema.shape[kind.key], type).success) {
        throw new SphereFaceError(`The schema of the ${kind.name} "${type}" does not take its type.`, {
          expected: `${kind.key}: z.literal('${type}')`,
        });
      }
      byType.set(type, descriptor);
    }
    this.byType = byType;
    const [first, ...others] = this.descriptors.map(({ schema }) => schema);
    this.schema = z.discriminatedUnion(kind.key, [first, ...others]) as unknown as AnyOf<D>;
  }

  /** A registry with more of them. */
  with<E extends Descriptor>(added: readonly E[] = []): Registry<D | E> {
    return new Registry<D | E>(this.kind, [...this.descriptors, ...added]);
  }

  /** The descriptor of a type. @throws SphereFaceError naming the types there are. */
  of(type: string): D {
    const found = this.byType.get(type);
    if (found === undefined) {
      throw new SphereFaceError(`There is no ${this.kind.name} "${type}".`, {
        expected: `one of ${[...this.byType.keys()].join(', ')}`,
        next: 'a descriptor of your own must be given among the extensions',
      });
    }
    return found;
  }
}
