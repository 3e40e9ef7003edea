// The commands on photos: what they write, what they print, and how they fail.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../common/errors.js';
import { decodePhoto, openImageSource } from '../images/index.js';
import type { AlignedManifest } from '../faces/manifest.js';
import { journalName, manifestName } from '../images/crop-manifest.js';
import { isUnreadable, parseDetection } from '../faces/records.js';
import { runCommand } from '../testing/command.js';
import { sharedMtcnn } from '../testing/mtcnn-weights.js';
import { registerAlign } from './align.js';
import { registerDetect } from './detect.js';
import { registerModels } from './models.js';
import { registerPrepare } from './prepare.js';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-faces-'));
});
afterAll(() => rm(scratch, { recursive: true }));

describe('without weights', () => {
  it.each([
    [registerPrepare, ['prepare', 'nothing-here', '-o', 'out', '--models', 'no-models'], /nothing at nothing-here/],
    [registerAlign, ['align', 'nothing-here.jsonl', '--photos', 'p', '-o', 'out'], /nothing at nothing-here\.jsonl/],
    [registerPrepare, ['prepare', 'p', '-o', 'o', '--thresholds', '1,2'], /expected three numbers/],
    [registerPrepare, ['prepare', 'p', '-o', 'o', '--size', '96x112'], /Allowed choices are 112x96, 112x112/],
    [registerDetect, ['detect', 'p', '-o', 'o', '--choose', 'random'], /nearest-center, largest, center-weighted/],
  ])('%o refuses %j', async (register, args, message) => {
    const { error, stderr } = await runCommand(register, args);
    expect(`${String(error)} ${stderr}`).toMatch(message);
  });

  it.each([
    [registerPrepare, 'prepare'],
    [registerDetect, 'detect'],
  ])('%o says that weights are missing', async (register, command) => {
    const photo = join(scratch, command, 'ann', '1.png');
    await mkdir(dirname(photo), { recursive: true });
    await sharp({ create: { width: 60, height: 60, channels: 3, background: 'teal' } })
      .png()
      .toFile(photo);
    const args = [command, join(scratch, command), '-o', join(scratch, `${command}-out`), '--models', 'no-models'];
    expect(String((await runCommand(register, args)).error)).toMatch(/no MTCNN weights/);
  });

  it('align cuts by detections, and says which photos have none', async () => {
    const photos = join(scratch, 'photos');
    await mkdir(join(photos, 'ann'), { recursive: true });
    const picture = { create: { width: 160, height: 160, channels: 3 as const, background: 'teal' } };
    for (const name of ['1.png', '2.png', '3.png'])
      await sharp(picture)
        .png()
        .toFile(join(photos, 'ann', name));
    const landmarks = [
      [60, 70],
      [95, 70],
      [78, 90],
      [63, 111],
      [92, 111],
    ];
    const lines = [
      {
        file: 'ann/1.png',
        width: 160,
        height: 160,
        faces: [{ box: [40, 40, 120, 130], score: 1, landmarks }],
        chosen: 0,
      },
      { file: 'ann/2.png', width: 160, height: 160, faces: [], chosen: null },
    ];
    const detections = join(scratch, 'detections.jsonl');
    await writeFile(detections, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const output = join(scratch, 'aligned');
    const { error, stdout } = await runCommand(registerAlign, [
      'align',
      detections,
      '--photos',
      photos,
      '-o',
      output,
      '--json',
    ]);
    expect(error).toBeUndefined();
    const result = JSON.parse(stdout) as Pick<AlignedManifest, 'counts' | 'withoutFace' | 'unreadable'>;
    expect(result.counts).toMatchObject({ photos: 3, aligned: 1, withoutFace: 1, unreadable: 1 });
    expect(result.withoutFace).toEqual(['ann/2.png']);
    expect(result.unreadable).toEqual([{ file: 'ann/3.png', error: 'it is not among the detections' }]);
    expect((await readdir(output)).sort()).toEqual([journalName, 'ann', manifestName]);
    expect(await readdir(join(output, 'ann'))).toEqual(['1.jpg']);

    // People by the photos' names: the option is the command's own, and its pattern is checked.
    const named = join(scratch, 'by-name');
    const byName = ['align', detections, '--photos', photos, '-o', named, '--identity-from'];
    expect((await runCommand(registerAlign, [...byName, '{identity}.*'])).error).toBeUndefined();
    expect(await readdir(join(named, '1'))).toEqual(['1.jpg']);
    expect(String((await runCommand(registerAlign, [...byName, '(('])).error)).toMatch(/identity/);

    await writeFile(detections, `${JSON.stringify(lines[0])}\n${JSON.stringify(lines[0])}\n`);
    const again = await runCommand(registerAlign, ['align', detections, '--photos', photos, '-o', join(scratch, 'x')]);
    expect(again.error).toBeInstanceOf(UsageError);
    expect(String(again.error)).toMatch(/two lines[\s\S]*line 2/);
  });
});

const photosZip = fileURLToPath(new URL('../../../shared/data/lfw-60-originals.zip', import.meta.url));
const there = existsSync(sharedMtcnn) && existsSync(photosZip);

describe.skipIf(!there)(`with the published weights ${there ? '' : 'skipped: no ../shared'}`, () => {
  let photos: string;

  beforeAll(async () => {
    photos = join(scratch, 'lfw');
    const source = await openImageSource(photosZip);
    for (const index of [0, 3, 20, 21]) {
      const path = join(photos, source.entries[index].file);
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, await source.read(index));
    }
    await source.dispose();
    await writeFile(join(photos, 'Ariel_Sharon', 'broken.jpg'), 'not a picture');
  });

  it('models pull names origin, licence and digests', async () => {
    const { error, stdout } = await runCommand(registerModels, ['models', 'pull', '--models', sharedMtcnn]);
    expect(error).toBeUndefined();
    expect(stdout).toMatch(/licence +MIT/);
    expect(stdout.match(/SHA-256 [0-9a-f]{64}/g)).toHaveLength(3);
  });

  it('detect and align give what prepare gives', async () => {
    const detections = join(scratch, 'lfw.jsonl');
    const common = ['--models', sharedMtcnn, '--threads', '2', '--json'];
    const detected = await runCommand(registerDetect, ['detect', photos, '-o', detections, ...common]);
    expect(detected.error).toBeUndefined();
    expect(JSON.parse(detected.stdout)).toMatchObject({
      counts: { photos: 5, withFace: 4, withoutFace: 0, unreadable: 1 },
    });
    const records = (await readFile(detections, 'utf8'))
      .trim()
      .split('\n')
      .map((line, i) => parseDetection(line, i + 1));
    expect(records.map(({ file }) => file)).toEqual([...records.map(({ file }) => file)].sort());
    expect(records.filter(isUnreadable).map(({ file }) => file)).toEqual(['Ariel_Sharon/broken.jpg']);

    const [direct, two] = [join(scratch, 'direct'), join(scratch, 'two')];
    const prepared = await runCommand(registerPrepare, ['prepare', photos, '-o', direct, '--format', 'png', ...common]);
    expect(prepared.error).toBeUndefined();
    expect(prepared.stderr).toMatch(/broken\.jpg: The file is not an image/);
    await runCommand(registerAlign, ['align', detections, '--photos', photos, '-o', two, '--format', 'png', '--json']);
    for (const { file } of records.filter((record) => !isUnreadable(record))) {
      const [a, b] = await Promise.all(
        [direct, two].map(async (folder) => decodePhoto(await readFile(join(folder, file.replace('.jpg', '.png'))))),
      );
      // The landmarks went through the file, rounded to a thousandth of a pixel.
      const worst = a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i])), 0);
      expect(worst).toBeLessThanOrEqual(2);
    }
  });

  it('detect prints what it finds where no file is asked for, a single photo too; nothing is left of a file it cannot write', async () => {
    const photo = join(photos, 'Ariel_Sharon', 'Ariel_Sharon_0001.jpg');
    const args = ['detect', photo, '--models', sharedMtcnn, '--threads', '1'];
    const { error, stdout } = await runCommand(registerDetect, args);
    expect(error).toBeUndefined();
    expect(stdout).toMatch(
      /^Ariel_Sharon_0001\.jpg: 250 x 250 pixels, 1 face\n {2}77,54 to 169,182, score 1\.0000: left eye/,
    );
    const json = JSON.parse((await runCommand(registerDetect, [...args, '--json'])).stdout) as { detections: object[] };
    expect(json.detections).toMatchObject([{ file: 'Ariel_Sharon_0001.jpg', chosen: 0 }]);
    const nowhere = await runCommand(registerDetect, [...args, '-o', join(scratch, 'not there', 'x.jsonl')]);
    expect(nowhere.error).toBeInstanceOf(UsageError);
  });

  it('prepare turns a photo that lies on its side, says so, and the crop is that of the upright photo', async () => {
    const upright = await readFile(join(photos, 'Ariel_Sharon', 'Ariel_Sharon_0001.jpg'));
    const side = join(scratch, 'side');
    await mkdir(join(side, 'a'), { recursive: true });
    await sharp(upright)
      .png()
      .toFile(join(side, 'a', 'upright.png'));
    await sharp(upright)
      .rotate(270)
      .png()
      .toFile(join(side, 'a', 'side.png'));
    const output = join(scratch, 'side-out');
    const args = [
      'prepare',
      side,
      '-o',
      output,
      '--format',
      'png',
      '--models',
      sharedMtcnn,
      '--threads',
      '1',
      '--json',
    ];
    const { error, stdout, stderr } = await runCommand(registerPrepare, args);
    expect(error).toBeUndefined();
    expect(stderr).toMatch(/side\.png: lies on its side; its face is upright after a turn by 90°/);
    expect(JSON.parse(stdout)).toMatchObject({
      counts: { aligned: 2, turned: 1 },
      turned: [{ file: 'a/side.png', rotation: 90 }],
    });
    const [a, b] = await Promise.all(
      ['upright', 'side'].map(async (name) => decodePhoto(await readFile(join(output, 'a', `${name}.png`)))),
    );
    const mean = a.data.reduce((sum, value, i) => sum + Math.abs(value - b.data[i]), 0) / a.data.length;
    expect(mean).toBeLessThan(1);
  });

  it('a device that is not there says itself why', async () => {
    const wrong = ['detect', photos, '-o', join(scratch, 'no.jsonl'), '--models', sharedMtcnn, '--device', 'webgpu'];
    const { error } = await runCommand(registerDetect, wrong);
    // Where there is a GPU, the command works.
    if (error !== undefined) expect(String(error)).toMatch(/device "webgpu" cannot be used here[\s\S]*cpu/);
  });

  it('--choose and --size change what they should', async () => {
    const several = join(scratch, 'several');
    await mkdir(join(several, 'a'), { recursive: true });
    await copyFile(join(photos, 'Ariel_Sharon', 'Ariel_Sharon_0004.jpg'), join(several, 'a', '1.jpg'));
    const chosen = async (rule: string) => {
      const path = join(scratch, `${rule}.jsonl`);
      const args = ['detect', several, '-o', path, '--choose', rule, '--models', sharedMtcnn, '--threads', '1'];
      expect((await runCommand(registerDetect, args)).error).toBeUndefined();
      const record = parseDetection((await readFile(path, 'utf8')).trim(), 1);
      if (isUnreadable(record)) throw new Error(record.error);
      expect(record.faces.length).toBeGreaterThan(1);
      return record.faces[record.chosen!].box;
    };
    // Several heads: a large one in the middle, small ones beside it.
    const [x1, , x2] = await chosen('largest');
    expect(x2 - x1).toBeGreaterThan(80);
    expect(await chosen('nearest-center')).toEqual(await chosen('largest'));
    const output = join(scratch, 'square');
    await runCommand(registerPrepare, ['prepare', several, '-o', output, '--size', '112x112', '--models', sharedMtcnn]);
    const { width, height } = await sharp(join(output, 'a/1.jpg')).metadata();
    expect([width, height]).toEqual([112, 112]);
  });
});
