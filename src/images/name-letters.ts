// What names look like in the writings of the world: by this, text whose encoding nobody states is read.

/** The letters of the names of one language, or of several that one encoding is for. */
export interface NameLetters {
  /** Lower case where there is one. */
  readonly frequent: ReadonlySet<string>;
  /** What one of these costs, in bits: about the logarithm of their number. */
  readonly bits: number;
  /** Sequences that the language does not have, though another one that has them shares its bytes. */
  readonly unlikely?: RegExp;
}

const letters = (frequent: string, unlikely?: RegExp, bits = Math.log2(frequent.length) + 1): NameLetters => ({
  frequent: new Set(frequent),
  bits,
  ...(unlikely === undefined ? {} : { unlikely }),
});

/** Letters of two bytes: names, and what folders of photos are called. All of a language's are about this many bits. */

/** Of the characters of Chinese, Japanese and Korean names: fewer than the logarithm of their number, as a few are very frequent. */
const characterBits = 7;

export const simplifiedChinese = [
  letters(
    '王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤习霍华' +
      '伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂文玲辉云建红玉春梅国志海小晓燕宇婷雪琴飞峰鹏波斌浩凯欣佳俊莹颖德子美思雨梓涵浩然诗轩博宁天一少宏永成新生光东亮健鑫龙康旭晨冰百慧倩悦琳萍凤莉丹蕾薇瑞翔近冠歌伦锋' +
      '照片相册图像新建文件夹未命名人家朋友老师同学毕业学习工作大年月日',
    undefined,
    characterBits,
  ),
];

export const traditionalChinese = [
  letters(
    '陳林黃張李王吳劉蔡楊許鄭謝郭洪曾邱廖賴周徐蘇葉莊呂江何蕭羅高簡朱鍾彭游詹胡施沈余趙盧梁顏柯孫魏翁戴范宋方鄧杜傅侯曹薛丁馬蔣唐卓藍馮姚石董紀歐程連古汪湯姜田康鄒白涂尤巫韓龔嚴袁阮童陸' +
      '明華志文雅惠美淑玲建國俊宏家豪怡君婷宗翰冠佳穎欣偉承恩宇軒品子睿小大春秀英麗珍玉蘭芬芳德榮成輝雄信義和平安嘉慧心如依妹倫傑佼憲霆鋒儀詩涵柏語庭靜雪梅鳳琪萱伶瑜琳潔' +
      '照片相簿圖像新增資料夾人家朋友老師同學畢業年月日',
    undefined,
    characterBits,
  ),
];

const kana =
  'あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをんがぎぐげござじずぜぞだぢづでどばびぶべぼぱぴぷぺぽゃゅょっー' +
  'アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲンガギグゲゴザジズゼゾダヂヅデドバビブベボパピプペポャュョッヴ';

export const japanese = [
  letters(
    `${kana}佐藤鈴木高橋田中伊渡辺山本村小林加吉井口松清水崎森池阿部石前川後岡長谷遠青坂福太西三原葉内野島金子竹斉上近安宮大丸今河武新久保平杉千岩桜菊市浅工服古寺東南北土荒関熊片酒矢星浜郎一二次男夫雄子美恵裕健翔陽菜結愛真由優花香奈々彩直樹和幸明正信義秀人介也輝大輔隆浩之亮誠写年月日晋倍能玲央莉沙友紀麻衣純智博哲勇進修実恒弘家族`,
    undefined,
    characterBits,
  ),
];

export const korean = [
  letters(
    '김이박최정강조윤장임한오서신권황안송류전홍고문양손배백허유남심노하곽성차주우구민진지엄채원천방공현함변염여추도소석선설마길연위표명기반라왕금옥육인맹제모탁국어은편용예경봉사부' +
      '준수영호아빈희훈재태승혁철환규미숙자순혜나린율건동후시찬범상식열형광웅진욱결다솔슬별보람가람새롬해솜초운일월년삼대세화' +
      '사진폴더가족친구그림학교여행앨범길동',
    undefined,
    characterBits,
  ),
];

export const cyrillic = [
  letters('аеиновлрктсмдпуяйьшюгбзчхёыжфцэщі', undefined, 4.5),
  letters('аеиновлрктсмд', undefined, 4.2),
];

/** Two vowels at a time are Croatian or Czech letters, read as others. */
const doubledVowel = /[aeiouy][æøå]|[æøå][aeiouy]/;

export const western = [
  letters('áàâãäåæçéèêëíìîïñóòôõöøúùûüýÿßœšžþð', undefined, 5.5),
  letters('éèêëàâçîïôùûü'),
  letters('äöüß', /(?<![aeiouyäöü])ß/i),
  letters('áéíóúñü'),
  letters('áâãàçéêíóôõú', /õ(?!e)|ã(?![oe])/i),
  letters('æøåäöé', doubledVowel),
  letters('áéíóúýþæöð', doubledVowel),
];

export const centralEuropean = [
  letters('áäăâąčćçďđéěęëíîłľĺňńóôöőřŕšśşťţúůüűýžźż', undefined, 6),
  letters('áéíóöőúüű', /ő[aeou]/i),
  letters('áčďéěíňóřšťúůýž'),
  letters('áäčďéíĺľňóôŕšťúýž'),
  letters('ąćęłńóśźż'),
  letters('ăâîşţ', /ă[aeou]/i),
  letters('čćđšž', undefined, 3.7),
];
