// For tests of the documentation: the tables that descriptors make, as they stand in docs/.
import { z } from 'zod';
import { fieldsOf } from '../common/schema-fields.js';
import type { Descriptor, Kind } from '../common/registry.js';
import type { EnergyDescriptor, MarginDescriptor } from '../losses/index.js';
import type { BackboneDescriptor } from '../nn/index.js';

const escaped = (cell: string): string => cell.replaceAll('|', '\\|');
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows.map((row) => row.map(escaped))]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');

/** The logits of every margin. */
export function marginTable(margins: readonly MarginDescriptor[]): string {
  const rows = margins.flatMap(({ type, formulas, features, source }) =>
    formulas.map(({ variant, label, others }) => [
      variant === undefined ? `\`${type}\`` : `\`${type}\` ${variant}`,
      label,
      others,
      features,
      source,
    ]),
  );
  return table(['`loss.margin.type`', 'logit at the label', 'other logits', 'features', 'from'], rows);
}

/** What energies or backbones there are. */
export function summaryTable(kind: string, descriptors: readonly (EnergyDescriptor | BackboneDescriptor)[]): string {
  return table(
    [`\`${kind}\``, ''],
    descriptors.map(({ type, summary }) => [`\`${type}\``, summary]),
  );
}

/** The options of each descriptor that has some, with their defaults. */
export function optionTable({ key }: Kind, head: string, descriptors: readonly Descriptor[]): string {
  const rows = descriptors.flatMap(({ type, schema }) =>
    fieldsOf(schema, schema.parse({ [key]: type }))
      .filter(({ path }) => path !== key)
      .map(({ path, value, description = '' }) => [`\`${type}\``, `\`${path}\``, `\`${shown(value)}\``, description]),
  );
  return table([`\`${head}\``, 'option', 'default', ''], rows);
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** A page with its tables as these functions write them: without the spaces that line up their columns. */
export function squeezed(page: string): string {
  return page.replace(/ +\|/g, ' |').replace(/\| -+(?= \|)/g, '| ---');
}

/** The fields of one object, with their defaults; what they hold in turn is not listed. */
export function fieldTable(schema: z.ZodType): string {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input' }) as {
    properties?: Record<string, { description?: string; default?: unknown }>;
  };
  const rows = Object.entries(properties).map(([name, { description = '', default: usual }]) => [
    `\`${name}\``,
    usual === undefined || usual === '' ? '' : `\`${shown(usual)}\``,
    description,
  ]);
  return table(['field', 'default', ''], rows);
}
