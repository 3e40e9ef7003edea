// The tables of margins, energies, backbones and log columns in docs/ are those of the descriptors.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { energies, type MarginDescriptor, margins } from '../losses/index.js';
import { backbones } from '../nn/index.js';
import { marginTable, optionTable, squeezed, summaryTable } from '../testing/descriptor-tables.js';

const page = async (name: string) => squeezed(await readFile(new URL(`../../docs/${name}`, import.meta.url), 'utf8'));

describe('docs/losses.md', () => {
  it.each([
    ['margins', marginTable(margins.descriptors)],
    ['options of margins', optionTable(margins.kind, 'loss.margin.type', margins.descriptors)],
    ['energies', summaryTable('loss.energy.form', energies.descriptors)],
    ['options of energies', optionTable(energies.kind, 'loss.energy.form', energies.descriptors)],
  ])('has the table of the %s', async (_, table) => {
    expect(await page('losses.md'), 'docs/losses.md: replace the table by the one expected').toContain(squeezed(table));
  });
});

describe('docs/training.md', () => {
  it.each([
    ['backbones', summaryTable('network.type', backbones.descriptors)],
    ['options of backbones', optionTable(backbones.kind, 'network.type', backbones.descriptors)],
  ])('has the table of the %s', async (_, table) => {
    expect(await page('training.md'), 'docs/training.md: replace the table by the one expected').toContain(
      squeezed(table),
    );
  });

  it('has the columns that margins add to the log', async () => {
    const columns = margins.descriptors.flatMap(({ columns = {} }: MarginDescriptor) => Object.entries(columns));
    expect(columns.length).toBeGreaterThan(0);
    for (const [name, description] of columns)
      expect(await page('training.md')).toContain(`| \`${name}\` | ${description} |`);
  });
});
