// Files that people give for a model: what they are told, where a parser would speak of tags and wire types.
import { describe, expect, it } from 'vitest';
import { writeZip } from '../../testing/zip-writer.js';
import { readMetadataProps } from './metadata-props.js';
import { otherKind } from './other-kinds.js';
import { parseModel } from './parse.js';

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const zipOf = (name: string): Uint8Array => writeZip([{ name, data: bytes('x'.repeat(600)) }]);

const files: readonly (readonly [what: string, file: Uint8Array, message: RegExp])[] = [
  ['nothing', bytes(''), /an empty file/],
  [
    'a pointer of Git LFS',
    bytes('version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12345\n'),
    /Git LFS.*\n.*\n.*next: .*git lfs pull/,
  ],
  ['a web page', bytes('\n<!DOCTYPE html><html lang="en">'), /a web page.*\n.*\n.*next: download/],
  ['a checkpoint of PyTorch', zipOf('archive/data.pkl'), /PyTorch \(.*zip\)\n.*\n.*torch\.onnx\.export/],
  ['an old one', bytes('\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.'), /pickle.*\n.*\n.*torch\.onnx\.export/],
  ['a model of Keras', bytes('\x89HDF\r\n\x1a\n\0'), /HDF5.*\n.*\n.*tf2onnx/],
  ['TensorFlow Lite', bytes('\x1c\0\0\0TFL3'), /TensorFlow Lite.*\n.*\n.*tf2onnx.*--tflite/],
  ['safetensors', bytes('\x20\x01\0\0\0\0\0\0{"w":{}}'), /safetensors.*\n.*\n.*train --init/],
  ['a zip', zipOf('model/model.onnx'), /an archive\n.*\n.*unpack/],
];

describe('a file that is no model', () => {
  it.each(files)('is named, with what to do: %s', (_, file, message) => {
    expect(() => parseModel(file, 'it.onnx')).toThrow(message);
    if (file.length > 0) expect(() => readMetadataProps(file, 'it.onnx')).toThrow(message);
  });

  it('is not taken for another where it is not known', () => {
    expect(otherKind(bytes('\x08\x08'))).toBeUndefined();
    expect(() => parseModel(bytes('this is no model'), 'it.onnx')).toThrow(
      /not an ONNX model[^]*expected: an \.onnx file[^]*next: download or copy the file again/,
    );
  });
});
