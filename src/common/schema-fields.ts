// The fields of a zod schema with their descriptions, defaults and what they take: for help texts, documentation and checks.
import { z } from 'zod';
import { isRecord } from './json.js';

/** One field that holds a value: a number, a word, a list. */
export interface SchemaField {
  /** With dots: `solver.warmUp.iterations`. */
  readonly path: string;
  readonly description: string | undefined;
  /** What it has when nothing is said; `undefined` where it must be said. */
  readonly default: unknown;
  /** Its value in the object that the fields are of. */
  readonly value: unknown;
  /** The words that it takes, where those are few. */
  readonly choices: readonly unknown[] | undefined;
  /** The fields of the object that may stand here, where none does and there is one kind only: with their defaults as values. */
  readonly fields: readonly SchemaField[] | undefined;
}

/** What is read of a JSON schema, as zod writes it. */
interface Json {
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Json>>;
  readonly anyOf?: readonly Json[];
  readonly oneOf?: readonly Json[];
}

/**
 * The fields of an object, in the order of its schema. Of a union, the fields are those of the member that the object is.
 * @param value as the schema gives it out.
 */
export function fieldsOf(schema: z.ZodType, value: unknown): SchemaField[] {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Json;
  return walk(json, '', value, undefined);
}

function walk(json: Json, path: string, value: unknown, inherited: unknown): SchemaField[] {
  const { description, default: own = inherited } = json;
  const members = membersOf(json).filter(({ type }) => type !== 'null');
  const objects = members.filter(({ properties }) => properties !== undefined);
  if (!isRecord(value) || objects.length === 0) {
    const choices = members.flatMap((member) => member.enum ?? (member.const === undefined ? [] : [member.const]));
    const fields = value === null && objects.length === 1 ? optional(objects[0], path) : undefined;
    return [{ path, description, default: own, value, choices: choices.length > 1 ? choices : undefined, fields }];
  }
  const member = objects.find((one) => describes(one, value)) ?? objects[0];
  const defaults = isRecord(own) && describes(member, own) ? own : {};
  return Object.entries(member.properties ?? {}).flatMap(([key, field]) => {
    const inner = path === '' ? key : `${path}.${key}`;
    const found = walk(field, inner, value[key], defaults[key]);
    if (field.const === undefined) return found;
    // What tells the members of a union apart: it takes what any of them is called, and may have a default in one of them.
    const kinds = objects.flatMap(({ properties }) => properties?.[key] ?? []);
    const usual = isRecord(own) && key in own ? own[key] : kinds.find((kind) => kind.default !== undefined)?.default;
    const choices = kinds.length > 1 ? kinds.map(({ const: word }) => word) : undefined;
    return found.map((one) => ({ ...one, default: usual, choices }));
  });
}

/** The fields of an object that is not there. */
function optional({ properties = {} }: Json, path: string): SchemaField[] {
  return Object.entries(properties).flatMap(([key, field]) => walk(field, `${path}.${key}`, field.default, undefined));
}

/** A schema as the list of schemas that it is any of. */
function membersOf(json: Json): readonly Json[] {
  const members = json.anyOf ?? json.oneOf;
  return members === undefined ? [json] : members.flatMap(membersOf);
}

/** Whether a member of a union is the one that an object belongs to, by the fields that hold one word only. */
function describes({ properties = {} }: Json, value: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(properties).every(([key, { const: word, default: usual }]) =>
    word === undefined ? true : word === (value[key] ?? usual),
  );
}
