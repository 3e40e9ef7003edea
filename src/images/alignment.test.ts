// The alignment that a source states: by manifests of folders, zips and lists, contradicted, unknown, or not whole.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { manifestOf } from '../testing/crop-manifest.js';
import { insightFaceSet, writeRecordIO } from '../testing/recordio-writer.js';
import { useScratch } from '../testing/scratch.js';
import { writeZip } from '../testing/zip-writer.js';

const scratch = useScratch();
const data = Buffer.from('x');
const json = (value: object): string => JSON.stringify(value);

async function aligned(name: string, manifest: object): Promise<void> {
  await scratch.put(`${name}/ann/1.jpg`);
  await scratch.put(`${name}/bob/1.jpg`);
  await scratch.put(`${name}/manifest.json`, json(manifest));
}

describe('the alignment of a source', () => {
  it('is what the manifest of its folder states', async () => {
    const manifest = manifestOf(3, 'umeyama');
    await aligned('crops', manifest);
    const { alignment, manifest: found } = await scratch.open(join(scratch.folder, 'crops'));
    expect(alignment).toEqual(manifest.alignment);
    expect(found).toMatchObject({ settings: { missing: 'skip' }, counts: { aligned: 1 } });
  });

  it.each(['', 'faces/'])('is what the manifest inside of its zip states (under "%s")', async (wrapper) => {
    const manifest = manifestOf(4);
    const path = await scratch.put(
      'crops.zip',
      writeZip([
        { name: `${wrapper}ann/1.jpg`, data },
        { name: `${wrapper}bob/1.jpg`, data },
        { name: `${wrapper}manifest.json`, data: Buffer.from(json(manifest)), deflate: true },
      ]),
    );
    expect((await scratch.open(path)).alignment).toEqual(manifest.alignment);
  });

  it('is read from a manifest with a byte order mark, in a folder and in a zip', async () => {
    const text = `\uFEFF${json(manifestOf(3))}`;
    await aligned('marked', manifestOf(1));
    await scratch.put('marked/manifest.json', text);
    expect((await scratch.open(join(scratch.folder, 'marked'))).alignment).toEqual(manifestOf(3).alignment);
    const entries = [
      { name: 'ann/1.jpg', data },
      { name: 'manifest.json', data: Buffer.from(text) },
    ];
    const zip = await scratch.put('marked.zip', writeZip(entries));
    expect((await scratch.open(zip)).alignment).toEqual(manifestOf(3).alignment);
  });

  it('is what the folders and zips of a list agree on', async () => {
    await aligned('a', manifestOf(1));
    await aligned('b', manifestOf(1));
    const zipped = { name: 'manifest.json', data: Buffer.from(json(manifestOf(1))) };
    await scratch.put('c.zip', writeZip([zipped, { name: 'cai/1.jpg', data }, { name: 'dan/1.jpg', data }]));
    const list = await scratch.put('lists/l.txt', '../a/ann/1.jpg 0\n../b/bob/1.jpg 1\n../c.zip/cai/1.jpg 2\n');
    const source = await scratch.open(list);
    expect(source.alignment).toEqual(manifestOf(1).alignment);
    expect(source.manifest).toBeUndefined();
    expect(source.warnings).toEqual([]);
    const one = await scratch.open(await scratch.put('one.txt', 'a/ann/1.jpg 0\na/bob/1.jpg 1\n'));
    expect(one.manifest).toMatchObject({ width: 96 });
  });

  it('is contradicted by another one in the same list', async () => {
    await aligned('a', manifestOf(1));
    await aligned('b', manifestOf(1, 'umeyama'));
    await scratch.put(
      'c.zip',
      writeZip([
        { name: 'manifest.json', data: Buffer.from(json(manifestOf(2))) },
        { name: 'cai/1.jpg', data },
      ]),
    );
    for (const other of ['b/bob/1.jpg', 'c.zip/cai/1.jpg']) {
      await expect(scratch.open(await scratch.put('l.txt', `a/ann/1.jpg 0\n${other} 1\n`))).rejects.toThrow(
        /different ways[^]*solver cp2tform, version 1; [^]*solver (umeyama|cp2tform, version 2)/,
      );
    }
  });

  it('is said to be unknown for a part of a list', async () => {
    await aligned('a', manifestOf(1));
    await scratch.put('bare/cai/1.jpg');
    const source = await scratch.open(await scratch.put('l.txt', 'a/ann/1.jpg 0\nbare/cai/1.jpg 1\n'));
    expect(source.alignment).toEqual(manifestOf(1).alignment);
    expect(source.manifest).toBeUndefined();
    expect(source.warnings).toEqual(['1 of 2 images lie in no folder that says how they were aligned']);
  });

  it('is unknown without a manifest, and for RecordIO', async () => {
    await scratch.put('bare/cai/1.jpg');
    expect(await scratch.open(join(scratch.folder, 'bare'))).toMatchObject({ alignment: undefined, warnings: [] });
    const { rec } = writeRecordIO(insightFaceSet([[Buffer.from('a')], [Buffer.from('b')]]));
    expect((await scratch.open(await scratch.put('train.rec', rec))).alignment).toBeUndefined();
  });

  it("is not asked of another program's manifest.json, which is mentioned", async () => {
    for (const text of [json({ name: 'Photos', icons: [] }), '[]', 'null', 'no JSON at all']) {
      await scratch.put('photos/ann/1.jpg');
      await scratch.put('photos/manifest.json', text);
      const source = await scratch.open(join(scratch.folder, 'photos'));
      expect(source.alignment).toBeUndefined();
      expect(source.warnings).toEqual([expect.stringMatching(/manifest.json is none of sphereface prepare/)]);
      const list = await scratch.open(await scratch.put('l.txt', 'photos/ann/1.jpg 0\n'));
      expect(list.alignment).toBeUndefined();
    }
  });

  it('is an error where a manifest of prepare is not whole', async () => {
    await aligned('a', { ...manifestOf(1), settings: undefined });
    await expect(scratch.open(join(scratch.folder, 'a'))).rejects.toThrow(
      /manifest.json[^]*settings[^]*align the photos/,
    );
    await scratch.put('a/manifest.json', json(manifestOf(1)).slice(0, 60));
    await expect(scratch.open(join(scratch.folder, 'a'))).rejects.toThrow(/manifest.json is not JSON/);
  });
});
