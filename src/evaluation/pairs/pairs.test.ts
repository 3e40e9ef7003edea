// Every form of pair file, what is refused, and how images are found.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ImageNames, parseImageList, peopleOf, parsePairs, resolvePairs } from './index.js';

/** Images by their paths; the identity is the first folder. */
const images = (...files: string[]): ImageNames =>
  new ImageNames(files.map((file) => ({ file, identity: file.includes('/') ? file.split('/')[0] : '' })));

describe('LFW pair files', () => {
  it.each(['\t', ' '])('reads view 1 separated by %j', (s) => {
    const text = ['2', ['Ann', 1, 2], ['Bo', 3, 12], ['Ann', 1, 'Bo', 2], ['Bo', 1, 'Cy_Di', 7], ['Cy_Di', 1, 'Ann', 2]]
      .map((line) => (typeof line === 'string' ? line : line.join(s)))
      .join('\r\n');
    const { format, pairs, folds } = parsePairs(text, 'pairsDev.txt');
    expect([format, folds]).toEqual(['lfw', undefined]);
    expect(pairs.map((pair) => pair.same)).toEqual([true, true, false, false, false]);
    expect(pairs[1]).toEqual({ line: 3, a: 'Bo/Bo_0003', b: 'Bo/Bo_0012', same: true });
    expect(pairs[3]).toEqual({ line: 5, a: 'Bo/Bo_0001', b: 'Cy_Di/Cy_Di_0007', same: false });
  });

  it('reads the folds of view 2', () => {
    const fold = ['A 1 2', 'B 1 2', 'A 1 C 1', 'B 1 C 2'];
    const { pairs, fold: of, folds } = parsePairs(['3 2', ...fold, ...fold, ...fold].join('\n'), 'pairs.txt');
    expect([pairs.length, folds, [...of!]]).toEqual([12, 3, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]]);
  });

  it('knows the 6,000 pairs of view 2 without their first line, as the published system reads them', () => {
    const line = (i: number): string => (i % 600 < 300 ? 'A 1 2' : 'A 1 B 1');
    const { fold, folds } = parsePairs(Array.from({ length: 6000 }, (_, i) => line(i)).join('\n'), 'pairs.txt');
    expect([folds, fold![599], fold![600], fold![5999]]).toEqual([10, 0, 1, 9]);
  });

  it('refuses files that break their own announcement, naming the line', () => {
    expect(() => parsePairs('2\nA 1 2\nA 1 B 1', 'p.txt')).toThrow(/1 matched pairs/);
    expect(() => parsePairs('1 2\nA 1 2\nA 1 B 1\nA 1 3\nA 1 B 2', 'p.txt')).toThrow(/line 3/);
    expect(() => parsePairs('1 2\nA 1 2\nA 1 3\nA 1 B 2', 'p.txt')).toThrow(/got: 3 pairs/);
    expect(() => parsePairs('1\nA one 2', 'p.txt')).toThrow(/p.txt, line 2/);
  });

  const shared = new URL('../../../../shared/data/', import.meta.url);
  it.skipIf(!existsSync(shared))('reads view 1 itself (skipped where ../shared is absent)', () => {
    for (const [name, count] of [
      ['pairsDevTrain.txt', 1100],
      ['pairsDevTest.txt', 500],
    ] as const) {
      const { pairs } = parsePairs(readFileSync(new URL(name, shared), 'utf8'), name);
      expect(pairs.filter((pair) => pair.same).length).toBe(count);
      expect(pairs.length).toBe(2 * count);
    }
  });
});

describe('generic pair files', () => {
  it('reads paths and labels, with comments, blank lines and spaces in paths', () => {
    const text = '# mine\na/1.jpg b/2.jpg 0\n\nmy dir/1.jpg\tmy dir/2.jpg\tsame\nc d different\n';
    expect(parsePairs(text, 'list.txt')).toEqual({
      format: 'list',
      pairs: [
        { line: 2, a: 'a/1.jpg', b: 'b/2.jpg', same: false },
        { line: 4, a: 'my dir/1.jpg', b: 'my dir/2.jpg', same: true },
        { line: 5, a: 'c', b: 'd', same: false },
      ],
    });
  });

  it('refuses other labels and counts of columns', () => {
    expect(() => parsePairs('a.jpg b.jpg 2', 'list.txt')).toThrow(/line 1 is not a pair/);
    expect(() => parsePairs('a.jpg b.jpg', 'list.txt')).toThrow(/label/);
    // The package's own synthetic people are called so: no header of LFW's.
    expect(() =>
      parsePairs('person-1/a.jpg person-2/b.jpg maybe\nperson-1/a.jpg person-1/c.jpg 1', 'list.txt'),
    ).toThrow(/line 1/);
    expect(() => parsePairs(' \n', 'list.txt')).toThrow(/no pairs/);
  });

  it('names the line that breaks the form of the others, and that form', () => {
    const text = '# mine\na.jpg b.jpg 1\na.jpg c.jpg\nb.jpg c.jpg 0';
    expect(() => parsePairs(text, 'list.txt')).toThrow(
      /list.txt, line 3 is not a pair[^]*a.jpg c.jpg[^]*path path label/,
    );
    expect(() => parsePairs('a,b,same\n1.jpg,2.jpg,0\n1.jpg,3.jpg', 't.csv')).toThrow(
      /t.csv, line 3[^]*a header such as/,
    );
    expect(() => parsePairs('Ann 1 2\nBo 1 Cy\nCy 1 2', 'lfw.txt')).toThrow(/line 2[^]*`Name 1 Other 2`/);
  });
});

describe('forms that other people write', () => {
  const meant = [
    { a: 'ann/1.jpg', b: 'ann/2.jpg', same: true },
    { a: 'ann/1.jpg', b: 'bo b/1.jpg', same: false },
  ];
  it.each([
    ['list', 'ann/1.jpg\tann/2.jpg\t+1\nann/1.jpg\tbo b/1.jpg\t-1'],
    ['list', 'ann/1.jpg,ann/2.jpg,True\r\nann/1.jpg,bo b/1.jpg,False\r\n'],
    ['list', 'ann/1.jpg; ann/2.jpg; yes\nann/1.jpg; bo b/1.jpg; NO'],
    ['label-first', '1\tann/1.jpg\tann/2.jpg\n0\tann/1.jpg\tbo b/1.jpg'],
    ['label-first', 'same,ann/1.jpg,ann/2.jpg\ndifferent,ann/1.jpg,bo b/1.jpg'],
    ['two-line', 'ann/1.jpg\t1\nann/2.jpg\t1\nann/1.jpg\t0\nbo b/1.jpg\t0'],
    ['two-line', 'ann/1.jpg,10\nann/2.jpg,10\nann/1.jpg,0\nbo b/1.jpg,0'],
    ['table', 'file1,file2,label\nann/1.jpg,ann/2.jpg,1\nann/1.jpg,bo b/1.jpg,0'],
    ['table', ',is_same,img_a,img_b\n0,True,ann/1.jpg,ann/2.jpg\n1,False,ann/1.jpg,bo b/1.jpg'],
    ['list', '"ann/1.jpg" "ann/2.jpg" T\n"ann/1.jpg" "bo b/1.jpg" F'],
    ['list', '"ann/1.jpg"\t"ann/2.jpg"\tpositive\n"ann/1.jpg"\t"bo b/1.jpg"\tnegative'],
    ['list', 'ann/1.jpg,ann/2.jpg,match\nann/1.jpg,bo b/1.jpg,mismatch'],
    ['list', 'ann/1.jpg,ann/2.jpg,1.000\nann/1.jpg,bo b/1.jpg,0.000'],
    ['list', 'anchor,other,verdict\nann/1.jpg,ann/2.jpg,1\nann/1.jpg,bo b/1.jpg,0'],
    ['label-first', 'y\tfirst photo\tsecond photo\n1\tann/1.jpg\tann/2.jpg\n0\tann/1.jpg\tbo b/1.jpg'],
    ['table', 'image1,image2,label,distance\nann/1.jpg,ann/2.jpg,1,0.31\nann/1.jpg,bo b/1.jpg,0,0.92'],
    ['table', 'id1,id2,label\nann/1.jpg,ann/2.jpg,1\nann/1.jpg,bo b/1.jpg,0'],
    ['table', 'left_image,right_image,ground_truth\nann/1.jpg,ann/2.jpg,genuine\nann/1.jpg,bo b/1.jpg,impostor'],
    // As write.table of R has it: in quotes, with names of the rows that have no heading.
    ['table', '"image1" "image2" "same"\n"1" "ann/1.jpg" "ann/2.jpg" TRUE\n"2" "ann/1.jpg" "bo b/1.jpg" FALSE'],
    ['table', '\uFEFFpath 1;path 2;same person\n"ann/1.jpg";ann/2.jpg;1.0\n"ann/1.jpg";"bo b/1.jpg";0.0'],
  ])('reads the form %s: %j', (form, text) => {
    const { format, pairs } = parsePairs(text, 'pairs.txt');
    expect(format).toBe(form);
    expect(pairs.map(({ a, b, same }) => ({ a, b, same }))).toEqual(meant);
  });

  it('keeps quotes and separators that belong to a name', () => {
    const text = '"say ""hi"", Ann/1.jpg",b.jpg,1\nc.jpg,d.jpg,0';
    expect(parsePairs(text, 'p.csv').pairs[0]).toMatchObject({ a: 'say "hi", Ann/1.jpg', b: 'b.jpg' });
    const commas = 'Smith,_J/1.jpg Smith,_J/2.jpg 1\nSmith,_J/1.jpg Doe,_K/1.jpg 0';
    expect(parsePairs(commas, 'p.txt').pairs[1]).toMatchObject({ a: 'Smith,_J/1.jpg', b: 'Doe,_K/1.jpg', same: false });
  });

  it('reads the folds that a table states', () => {
    const text = 'a,b,label,fold\n1,2,1,3\n1,3,0,3\n4,5,1,7\n4,6,0,7';
    const { fold, folds } = parsePairs(text, 'p.csv');
    expect([[...fold!], folds]).toEqual([[0, 0, 1, 1], 2]);
    expect(() => parsePairs('a,b,label,fold\n1,2,1,3\n1,3,0,3', 'p.csv')).toThrow(/one fold/);
  });

  it('reads LFW as the CSV that is passed around', () => {
    const text = 'name,imagenum1,imagenum2,\nAbel,1,4,\nAbdel,1,Dean,1';
    expect(parsePairs(text, 'pairs.csv')).toEqual({
      format: 'lfw',
      pairs: [
        { line: 2, a: 'Abel/Abel_0001', b: 'Abel/Abel_0004', same: true },
        { line: 3, a: 'Abdel/Abdel_0001', b: 'Dean/Dean_0001', same: false },
      ],
    });
  });

  it('refuses pairs of two lines that do not belong together', () => {
    expect(() => parsePairs('a.jpg 1\nb.jpg 1\nc.jpg 0\nd.jpg 1', 'p.txt')).toThrow(/line 3[^]*c.jpg 0, then d.jpg 1/);
    expect(() => parsePairs('a.jpg 1\nb.jpg 1\nc.jpg 0', 'p.txt')).toThrow(/line 3[^]*the end of the file/);
  });
});

describe('what the images decide', () => {
  it('takes numeric names for images, unless LFW has them', () => {
    const text = '0001 0002 1\n0003 0004 1';
    const asList = {
      format: 'list',
      pairs: [
        { a: '0001', b: '0002' },
        { a: '0003', b: '0004' },
      ],
    };
    expect(parsePairs(text, 'p.txt')).toMatchObject(asList);
    expect(parsePairs(text, 'p.txt', images('0001.jpg', '0002.jpg'))).toMatchObject(asList);
    const lfw = images('0001/0001_0001.jpg', '0001/0001_0002.jpg', '0003/0003_0001.jpg');
    expect(parsePairs(text, 'p.txt', lfw)).toMatchObject({ format: 'lfw', pairs: [{ a: '0001/0001_0002' }, {}] });
    expect(parsePairs('0001 1\n0002 1\n0001 0\n0003 0', 'p.txt').format).toBe('two-line');
    expect(parsePairs('a,b,same\n1,2,same', 'p.csv', images('1.jpg', '2.jpg')).pairs).toHaveLength(1);
    expect(parsePairs('same,a,b\nsame,c,d', 'p.csv', images('a.jpg', 'c.jpg')).pairs).toHaveLength(2);
    // Labels that could be names and names that could be labels.
    expect(parsePairs('1 0 1\n0 2 0', 'p.txt', images('0.jpg', '1.jpg', '2.jpg')).format).toBe('list');
    expect(parsePairs('1 10 1\n0 1 0', 'p.txt', images('0.jpg', '1.jpg', '10.jpg'))).toMatchObject({ format: 'list' });
    expect(parsePairs('1 11 1\n0 12 0', 'p.txt', images('0.jpg', '1.jpg', '11.jpg', '12.jpg')).format).toBe('list');
    expect(parsePairs('1 11 1\n0 12 0', 'p.txt', images('11.jpg', '12.jpg', '0.png')).format).toBe('list');
  });

  it('knows a person called #1 anna from a comment', () => {
    const people = images('#1 anna/0.jpg', '#1 anna/1.jpg', 'bo/0.jpg');
    const text = '# pairs of mine\n#bo/0.jpg\tbo/1.jpg\t1\n#1 anna/0.jpg\t#1 anna/1.jpg\t1\n#1 anna/9.jpg\tbo/0.jpg\t0';
    expect(parsePairs(text, 'p.txt', people).pairs.map(({ line }) => line)).toEqual([3, 4]);
    expect(
      parseImageList('# probes\n#1 anna/0.jpg\nbo/0.jpg', 'l.txt', people).map(({ identity }) => identity),
    ).toEqual(['#1 anna', 'bo']);
  });
});

describe('gallery and probe lists', () => {
  it('takes tabs, blanks and commas, and gives names in one form', () => {
    const identities = (text: string) => parseImageList(text, 'l.txt').map(({ file, identity }) => [file, identity]);
    expect(identities('a b/1.jpg\tBo\nzoe\u0308/1.jpg')).toEqual([
      ['a b/1.jpg', 'Bo'],
      ['zoe\u0308/1.jpg', 'zo\u00eb'],
    ]);
    expect(identities('1.jpg,Bo\n2.jpg,Ann Lee')).toEqual([
      ['1.jpg', 'Bo'],
      ['2.jpg', 'Ann Lee'],
    ]);
    expect(() => parseImageList('1.jpg', 'l.txt')).toThrow(/line 1/);
  });
});

describe('finding images', () => {
  const pair = (a: string, b: string) => ({ line: 1, a, b, same: true });

  it('takes exact paths, and paths without extension', () => {
    const found = resolvePairs([pair('A/A_0001', 'A/A_0002.png')], images('A/A_0001.jpg', 'A/A_0002.png'));
    expect([[...found.left], [...found.right], found.missing]).toEqual([[0], [1], []]);
  });

  it('lists pairs whose images are missing and keeps the rest', () => {
    const pairs = [pair('x', 'y'), pair('a', 'y'), pair('a', 'b')];
    const { kept, missing } = resolvePairs(pairs, images('a.jpg', 'b.jpg'));
    expect([...kept]).toEqual([2]);
    expect(missing.map(({ reason }) => reason)).toEqual(['no image x; no image y', 'no image y']);
  });

  it('finds the crops of photos by the photos’ names, in either Unicode form and whatever the case', () => {
    const crops = images('ann/00.jpg', 'ann/01.JPG.png', 'Zo\u00eb/02.jpg', 'bo/A.jpg');
    const found = (name: string) => crops.find(name);
    expect(['ann/00.JPG', 'ann/00.webp', 'ann/00'].map(found)).toEqual([0, 0, 0]);
    expect(['ann/01.JPG', './ann\\01.JPG.png'].map(found)).toEqual([1, 1]);
    expect(['Zoe\u0308/02.png', 'ZO\u00cb/02'].map(found)).toEqual([2, 2]);
    expect(found('BO/a.PNG')).toBe(3);
    expect(found('bo/b.jpg')).toEqual({ reason: 'no image bo/b.jpg' });
  });

  it('leaves out a name that two files could have, and says which', () => {
    const { kept, missing } = resolvePairs([pair('a', 'b'), pair('a.png', 'b')], images('a.jpg', 'a.png', 'b.jpg'));
    expect([...kept]).toEqual([1]);
    expect(missing.map(({ reason }) => reason)).toEqual(['a could be a.jpg or a.png']);
  });
});

describe('the people of pairs', () => {
  const crops = images('ann/0.jpg', 'Bo Li/0.jpg', 'Zo\u00eb/0.jpg', 'cy/0.jpg', 'Dee/0.jpg', 'dee/0.jpg', 'eve/0.jpg');
  const named = (a: string, b: string, same = false) => ({ a, b, same });

  it('are told whether or not their images are there', () => {
    const { identities, notFound, unknown } = peopleOf(
      [
        named('ann/0.png', 'set/Bo Li/9.jpg'),
        named('Zoe\u0308/7.jpg', 'CY_0003.jpg'),
        named('eve/0.jpg', 'photo-of-her.jpg', true),
        named('ann/0.jpg', 'fay/1.jpg'),
      ],
      crops,
    );
    expect(identities).toEqual(['ann', 'Bo Li', 'Zo\u00eb', 'cy', 'eve']);
    expect(notFound).toEqual(['set/Bo Li/9.jpg', 'Zoe\u0308/7.jpg', 'CY_0003.jpg', 'photo-of-her.jpg']);
    expect(unknown).toEqual(['fay/1.jpg']);
  });

  it('are found with the folder around the images before their paths', () => {
    const around = new ImageNames([{ file: 'ann/0.jpg', identity: 'ann' }], ['set']);
    expect([around.find('set/ann/0.jpg'), around.hasImage('set/ann/0'), around.hasImage('other/ann/0')]).toEqual([
      0,
      true,
      false,
    ]);
  });

  it('are all whom a name could mean', () => {
    expect(peopleOf([named('DEE/5.jpg', 'ann/0.jpg')], crops).identities).toEqual(['Dee', 'dee', 'ann']);
  });
});
