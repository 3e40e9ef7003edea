// Files that are taken for a model and are none that is read here: told by their first bytes, with what to do about each.

/** What a file is. */
export interface OtherKind {
  /** In words, with the article. */
  readonly is: string;
  /** What to do to get a model. */
  readonly next: string;
}

interface KnownKind extends OtherKind {
  /** @param text the first bytes, one character for each */
  matches(text: string): boolean;
}

const begins =
  (magic: string): KnownKind['matches'] =>
  (text) =>
    text.startsWith(magic);

const ofPyTorch = {
  next: "export it to ONNX in Python: torch.onnx.export(model.eval(), torch.zeros(1, 3, HEIGHT, WIDTH), 'model.onnx')",
};

const kinds: readonly KnownKind[] = [
  { is: 'an empty file', next: 'download or copy it again', matches: (text) => text === '' },
  {
    is: 'a pointer of Git LFS, which stands for the file itself',
    next: 'fetch the file: git lfs pull in its repository, or download it from its web page',
    matches: begins('version https://git-lfs.github.com/spec/'),
  },
  {
    is: 'a web page (HTML)',
    next: 'download the file again: the address gave a page, such as a notice or a login, in its place',
    matches: (text) => /^\s*<(!doctype html|html)/i.test(text),
  },
  {
    is: 'a checkpoint of PyTorch (.pt, .pth: a zip)',
    ...ofPyTorch,
    matches: (text) =>
      /^(data\.pkl|version|byteorder|\.format_version)$/.test(firstEntry(text)?.split('/').pop() ?? ''),
  },
  {
    is: 'a pickle of Python, such as an old checkpoint of PyTorch (.pt, .pth)',
    ...ofPyTorch,
    // PROTO, and one of the protocols 2 to 5.
    matches: (text) => text.charCodeAt(0) === 0x80 && text.charCodeAt(1) >= 2 && text.charCodeAt(1) <= 5,
  },
  {
    is: 'an HDF5 file, such as a model of Keras (.h5)',
    next: "export it to ONNX in Python: tf2onnx.convert.from_keras(model, output_path='model.onnx')",
    matches: begins('\x89HDF\r\n\x1a\n'),
  },
  {
    is: 'a TensorFlow Lite model',
    next: 'convert it to ONNX: python -m tf2onnx.convert --tflite MODEL.tflite --output model.onnx',
    matches: (text) => text.startsWith('TFL3', 4),
  },
  {
    is: 'a file of weights without a network (safetensors)',
    next: 'give the model (.onnx); weights are what train --init starts from',
    matches: (text) => text.startsWith('\0\0\0\0{', 4),
  },
  {
    is: 'an archive',
    next: 'unpack it, and give the model inside',
    matches: (text) => firstEntry(text) !== undefined || text.startsWith('\x1f\x8b'),
  },
];

/** Enough of a file for all of these. */
export const otherKindBytes = 512;

/** What a file that begins so is; `undefined` for an ONNX or Caffe model, and for what is not known. */
export function otherKind(head: Uint8Array): OtherKind | undefined {
  const text = String.fromCharCode(...head.subarray(0, otherKindBytes));
  return kinds.find(({ matches }) => matches(text));
}

/** The name of the first file in a zip; `undefined` for what is none. */
function firstEntry(text: string): string | undefined {
  if (!text.startsWith('PK\x03\x04')) return undefined;
  const length = text.charCodeAt(26) + 256 * text.charCodeAt(27);
  return text.slice(30, 30 + length);
}
