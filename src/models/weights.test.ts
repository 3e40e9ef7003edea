// Files of weights: whose rows they are and what pictures they are for, and the classifier's place beside its model.
import { describe, expect, it } from 'vitest';
import { publishedInput } from '../images/input.js';
import { encodeSafetensors } from './safetensors.js';
import { classifierPath } from './classifier-file.js';
import { decodeWeights, encodeWeights } from './weights.js';

const parameters = new Map([['fc6.weight', { shape: [2, 1], data: Float32Array.of(1, -1) }]]);

describe('weights', () => {
  it('come back with whose rows they are and which pictures they are for', () => {
    const weights = { parameters, identities: ['Zoë', '#1 anna'], input: publishedInput };
    expect(decodeWeights(encodeWeights(weights), 'x')).toEqual(weights);
  });

  it('from elsewhere say neither', () => {
    expect(decodeWeights(encodeSafetensors(parameters, { format: 'pt' }), 'x')).toEqual({ parameters });
  });

  it.each(['["a", "a"]', '["a", ""]', '{"a": 0}', '[1]', '["a"'])('are refused with names %s', (names) => {
    const bytes = encodeSafetensors(parameters, { 'sphereface.identities': names });
    expect(() => decodeWeights(bytes, 'w.safetensors')).toThrow(/w\.safetensors, sphereface\.identities/);
  });

  it('of a classifier lie beside their model', () => {
    expect(classifierPath('runs/a.b/model.onnx')).toBe('runs/a.b/model.classifier.safetensors');
    expect(classifierPath('model')).toBe('model.classifier.safetensors');
  });
});
