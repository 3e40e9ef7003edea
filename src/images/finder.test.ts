// Finding an image by a name: as it is, by other extensions, Unicode forms and case, and names that fit several.
import { describe, expect, it } from 'vitest';
import { pictureDecoders } from './decoders/index.js';
import { NameFinder } from './finder.js';

const missing = { kind: 'missing' };
const found = (index: number) => ({ kind: 'found', index });

describe('NameFinder', () => {
  it('finds paths as they are, before it looks for others', () => {
    const finder = new NameFinder(['a/1.jpg', 'a/1.png', 'A/1.jpg', 'b/2.jpg']);
    expect(finder.find('a/1.png')).toEqual(found(1));
    expect(finder.find('A/1.jpg')).toEqual(found(2));
    expect(finder.find('./b\\2.jpg')).toEqual(found(3));
    expect(finder.find('b/3.jpg')).toEqual(missing);
  });

  it('finds the crop of a photo whose extension was another one, and LFW names without any', () => {
    const finder = new NameFinder(['p/00.jpg', 'p/01.png', 'Ann_Lee/Ann_Lee_0001.jpg', 'p/J.R. Ewing.jpg', '.hidden']);
    expect(finder.find('p/00.JPG')).toEqual(found(0));
    expect(finder.find('p/00.heic')).toEqual(found(0));
    expect(finder.find('p/01.webp')).toEqual(found(1));
    expect(finder.find('Ann_Lee/Ann_Lee_0001')).toEqual(found(2));
    expect(finder.find('p/J.R. Ewing')).toEqual(found(3));
    expect(finder.find('p/J.png')).toEqual(missing);
    expect(finder.find('.hidden.jpg')).toEqual(found(4));
  });

  it('takes only the extensions of images for extensions', () => {
    const finder = new NameFinder(['a/John.jpg']);
    expect(finder.find('a/John.Smith')).toEqual(missing);
    expect(finder.find('a/John.1')).toEqual(missing);
    for (const extension of pictureDecoders.flatMap(({ extensions }) => extensions)) {
      expect(finder.find(`a/John${extension}`)).toEqual(found(0));
      expect(finder.find(`a/John${extension.toUpperCase()}`)).toEqual(found(0));
    }
  });

  it('finds crops that kept the extension of their photo, where two photos had one name', () => {
    const finder = new NameFinder(['p/00.JPG.jpg', 'p/00.png.jpg']);
    expect(finder.find('p/00.JPG')).toEqual(found(0));
    expect(finder.find('p/00.png')).toEqual(found(1));
    expect(finder.find('p/00')).toEqual(missing);
  });

  it('reads composed and decomposed letters as one', () => {
    const finder = new NameFinder(['Zoe\u0308/1.jpg', 'Ame\u0301lie/Ame\u0301lie_0001.jpg']);
    expect(finder.find('Zo\u00eb/1.jpg')).toEqual(found(0));
    expect(finder.find('Am\u00e9lie/Am\u00e9lie_0001')).toEqual(found(1));
    expect(new NameFinder(['Zo\u00eb/1.jpg']).find('Zoe\u0308/1')).toEqual(found(0));
  });

  it('does not mind the case where only one image can be meant', () => {
    const finder = new NameFinder(['Ann/1.jpg', 'bob/2.jpg', 'BOB/2.jpg', 'bob/3.jpg', 'bob/3.png']);
    expect(finder.find('ann/1.JPG')).toEqual(found(0));
    expect(finder.find('ANN/1')).toEqual(found(0));
    expect(finder.find('Bob/2.jpg')).toEqual({ kind: 'ambiguous', indices: [1, 2] });
    expect(finder.find('bob/3')).toEqual({ kind: 'ambiguous', indices: [3, 4] });
    expect(finder.find('bob/3.gif')).toEqual({ kind: 'ambiguous', indices: [3, 4] });
    expect(finder.find('bob/3.png')).toEqual(found(4));
  });

  it('looks through a folder around the source, where nothing inside is called so', () => {
    const finder = new NameFinder(['anna/1.jpg', 'set/2.jpg'], ['backup/set', 'set']);
    expect(finder.find('set/anna/1.jpg')).toEqual(found(0));
    expect(finder.find('./backup/set/anna/1')).toEqual(found(0));
    expect(finder.find('set/2.jpg')).toEqual(found(1));
    expect(finder.find('other/anna/1.jpg')).toEqual(missing);
  });
});
