// The `metadata_props` of an ONNX model, read and rewritten at the level of bytes: the graph is skipped, not parsed.
import { toBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { StringStringEntryProtoSchema } from './onnx_pb.js';
import { decoded, notOnnx } from './parse.js';

/** The field's number in ModelProto. */
const metadataField = 14;

/** The `metadata_props` of an ONNX model. `source` names it in errors. */
export function readMetadataProps(model: Uint8Array, source: string): Map<string, string> {
  const props = new Map<string, string>();
  for (const { field, body } of topLevelFields(model, source)) {
    if (field !== metadataField) continue;
    const { key, value } = decoded(StringStringEntryProtoSchema, body, source);
    props.set(key, value);
  }
  return props;
}

/** All of a model but its `metadata_props`, in pieces. `source` names it in errors. */
export function* withoutMetadataProps(model: Uint8Array, source: string): Generator<Uint8Array> {
  for (const { field, bytes } of topLevelFields(model, source)) if (field !== metadataField) yield bytes;
}

/** The same model with other `metadata_props`; every other byte stays as it is. `source` names it in errors. */
export function withMetadataProps(model: Uint8Array, props: ReadonlyMap<string, string>, source: string): Uint8Array {
  const writer = new BinaryWriter();
  for (const [key, value] of props) {
    const entry = toBinary(StringStringEntryProtoSchema, {
      $typeName: 'onnx.StringStringEntryProto',
      key,
      value,
    });
    writer.tag(metadataField, WireType.LengthDelimited).bytes(entry);
  }
  return joined([...withoutMetadataProps(model, source), writer.finish()]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

interface TopLevelField {
  readonly field: number;
  /** The record with its tag. */
  readonly bytes: Uint8Array;
  /** What follows the tag and, for length-delimited fields, the length. */
  readonly body: Uint8Array;
}

function* topLevelFields(model: Uint8Array, source: string): Generator<TopLevelField> {
  const reader = new BinaryReader(model);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    let field: number;
    let body: Uint8Array;
    try {
      const [number, type] = reader.tag();
      field = number;
      const afterTag = reader.pos;
      if (type === WireType.LengthDelimited) {
        body = reader.bytes();
      } else {
        reader.skip(type, number);
        body = model.subarray(afterTag, reader.pos);
      }
    } catch (error) {
      throw notOnnx(source, error, model);
    }
    yield { field, bytes: model.subarray(start, reader.pos), body };
  }
}
