// What is printed of a finished pipeline: the table, the change due to MHE, and claims only where they hold.
import { describe, expect, it, vi } from 'vitest';
import type { ModelName, ModelSummary, PipelineSummary } from '../pipeline/index.js';
import { Output } from './context.js';
import { printSummary } from './pipeline-view.js';

function model(name: ModelName, mean: number, energy: number, minimumAngle: number): ModelSummary {
  return {
    name,
    model: `${name}/model.onnx`,
    report: `reports/${name}/index.html`,
    accuracy: { mean, standardError: 0.005 },
    auc: 0.97,
    eer: 0.08,
    spread: { classifiers: 60, energy, minimumAngle, meanNearestAngle: minimumAngle + 4, meanAngle: 91 },
  };
}

function printed(models: readonly ModelSummary[], missing = 0, heldOut = 20): string[] {
  const summary: PipelineSummary = {
    photos: { total: 100, aligned: 99 },
    training: { identities: 60, images: 700 },
    heldOut,
    pairs: { matched: 500, mismatched: 500, missing },
    protocol: 'ten folds.',
    models,
    comparison: null,
  };
  const written: string[] = [];
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  try {
    printSummary(new Output(false), summary);
  } finally {
    spy.mockRestore();
  }
  return written.join('').split('\n');
}

const base = model('sphereface', 0.9, 0.51, 66);
const control = model('without-energy', 0.91, 0.509, 67);
const plus = model('sphereface-plus', 0.905, 0.5, 74);

describe('printSummary', () => {
  it('compares with the fine-tune without energy where there is one', () => {
    const change = printed([base, control, plus]).find((line) => line.startsWith('Change due to MHE'));
    expect(change).toBe(
      'Change due to MHE (against more training without it): energy −0.0090, smallest angle +7.00°, ' +
        'mean angle to the nearest +7.00°, accuracy −0.50 points.',
    );
  });

  it('compares with the start otherwise', () => {
    const change = printed([base, plus]).find((line) => line.startsWith('Change'));
    expect(change).toMatch(/--control tells them apart\): energy −0\.0100, smallest angle \+8\.00°.*accuracy \+0\.50/);
  });

  it('lines up the table and names every report', () => {
    const lines = printed([base, control, plus]);
    const header = lines.findIndex((line) => line.includes('accuracy') && line.includes('EER'));
    const table = lines.slice(header, header + 4);
    expect(new Set(table.map((line) => line.length)).size).toBe(1);
    expect(table[1]).toContain('90.00 ± 0.50 %');
    for (const { report } of [base, control, plus]) expect(lines.some((line) => line.endsWith(report))).toBe(true);
  });

  it('says how many pairs could not be used', () => {
    expect(printed([base, plus], 3).join('\n')).toContain('500 mismatched pairs (3 more could not be used)');
    expect(printed([base, plus]).join('\n')).not.toContain('could not be used');
  });

  it('claims other people only where they were held out', () => {
    expect(printed([base, plus]).join('\n')).toContain('evaluated on 20 people not among them');
    expect(printed([base, plus], 0, 0).join('\n')).not.toContain('not among them');
  });
});
