// The text format of prototxt files: what they use, where a text is wrong, and any text at all.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SphereFaceError } from '../../common/errors.js';
import { parseTextFormat } from './text-format.js';

describe('parseTextFormat', () => {
  it('reads what prototxt files use', () => {
    const net = parseTextFormat(
      `# a net
      name: "a" 'b'   # strings in a row are one
      input_dim: 1 input_dim: 3, input_dim: 0x10; base: 1e-3f
      shape: [2, -3.5]
      layer { name: "x\\"y" bias_term: false param < lr_mult: .5 > }
      layer: { type: CONVOLUTION }
      empty: []`,
      'net.prototxt',
    );
    expect(net.string('name')).toBe('ab');
    expect(net.numbers('input_dim')).toEqual([1, 3, 16]);
    expect(net.number('base')).toBe(0.001);
    expect(net.numbers('shape')).toEqual([2, -3.5]);
    const [first, second] = net.messages('layer');
    expect([first.string('name'), first.truth('bias_term'), first.message('param')?.number('lr_mult')]).toEqual([
      'x"y',
      false,
      0.5,
    ]);
    expect([second.string('type'), second.line]).toEqual(['CONVOLUTION', 6]);
    expect(net.numbers('empty')).toEqual([]);
  });

  it.each([
    ['layer { name: "a" ', 'Line 1', 'name of a field'],
    ['a: 1\n}', 'Line 2', 'name of a field'],
    ['a: "open\n"', 'Line 1', 'text format'],
    ['a 1', 'Line 1', '":" or "{"'],
    ['a: {b: [1 2]}', 'Line 1', '"," or "]"'],
    ['a: ,', 'Line 1', 'a value'],
    ['a{'.repeat(40), 'Line 1', 'at most 32'],
  ])('says where %j is wrong', (text, line, expected) => {
    expect(() => parseTextFormat(text, 'net.prototxt')).toThrow(new RegExp(`${line} of net.prototxt[^]*${expected}`));
  });

  it('survives any text', () => {
    const piece = fc.constantFrom(
      'a',
      ':',
      '{',
      '}',
      '<',
      '>',
      '[',
      ']',
      '"',
      '1',
      '.',
      '-',
      '#',
      '\n',
      ' ',
      'layer',
      ',',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 9, arbitrary: piece }, fc.string()), { maxLength: 80 }), (pieces) => {
        try {
          parseTextFormat(pieces.join(''), 'x');
        } catch (error) {
          expect(error).toBeInstanceOf(SphereFaceError);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
