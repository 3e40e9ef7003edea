// Names in encodings that nobody states, each told by its bytes.
import { describe, expect, it } from 'vitest';
import { guessText } from './code-pages.js';

/** Names as bytes of an encoding. */
const names: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['UTF-8', ['Zoë/1.jpg', '张伟/1.jpg'], ['5a6fc3ab2f312e6a7067', 'e5bca0e4bc9f2f312e6a7067']],
  ['GBK', ['张伟/1.jpg', '李娜/1.jpg'], ['d5c5ceb02f312e6a7067', 'c0eec4c82f312e6a7067']],
  ['GBK', ['刘德华/照片.jpg'], ['c1f5b5c2bbaa2fd5d5c6ac2e6a7067']],
  ['Big5', ['陳小明/1.jpg'], ['b3afa470a9fa2f312e6a7067']],
  ['Shift JIS', ['田中/さくら.jpg'], ['93639286' + '2f' + '82b382ad82e7' + '2e6a7067']],
  [
    'Windows-1252 (Latin-1)',
    ['André/1.jpg', 'ben/Mummé.jpg'],
    ['416e6472e92f312e6a7067', '62656e2f4d756d6de92e6a7067'],
  ],
  ['Windows-1252 (Latin-1)', ['Renée/1.jpg'], ['52656ee9652f312e6a7067']],
  ['Windows-1252 (Latin-1)', ['Jürgen Müller/ö.jpg'], ['4afc7267656e204dfc6c6c65722ff62e6a7067']],
  ['code page 437', ['René/1.jpg', 'Müller/2.jpg'], ['52656e822f312e6a7067', '4d816c6c65722f322e6a7067']],
  ['code page 437', ['Noël/1.jpg'], ['4e6f896c2f312e6a7067']],
  ['Windows-1251', ['Иван Петров/1.jpg'], ['c8e2e0ed20cfe5f2f0eee22f312e6a7067']],
  ['code page 866', ['Иван/1.jpg'], ['88a2a0ad2f312e6a7067']],
];

/** Common names, and what folders are called; each is read alone, as in a zip of one person. */
const alone: Readonly<Record<string, readonly [label: string, encoding: string, names: string]>> = {
  'simplified Chinese': [
    'gbk',
    'GBK',
    '王芳 李娜 张伟 刘洋 陈静 杨勇 赵敏 黄磊 周杰 吴磊 徐静 孙丽 马超 朱军 胡歌 林丹 李明 高峰 何洁 郭靖 罗志祥 李静 王小明 赵丽颖 周杰伦 黄晓明 习近平 范冰冰 李浩 高兰 金星 韩红 白百何 陈百强 邓超 照片 新建文件夹 家人',
  ],
  'traditional Chinese': [
    'big5',
    'Big5',
    '王小明 陳大文 林志玲 張惠妹 劉德華 蔡依林 黃子佼 吳宗憲 周杰倫 謝霆鋒 李安 楊丞琳 許瑋甯 鄭秀文 郭富城 曾志偉 蕭敬騰 羅大佑 梁朝偉 張學友 黎明 葉問 陳奕迅 徐若瑄 趙薇 蘇打綠 相簿 照片',
  ],
  Japanese: [
    'shift_jis',
    'Shift JIS',
    'さくら たろう はなこ ゆうた ひかり みさき けんた あおい りん そら サクラ タロウ マイケル ジョン アンナ メアリー 田中 鈴木一郎 佐藤さくら 高橋 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田太郎 佐々木 松本 井上 木村 清水 斎藤 能年 安倍晋三 写真 新しいフォルダー',
  ],
  Korean: [
    'euc-kr',
    'EUC-KR',
    '김철수 이영희 박지성 최민수 강호동 홍길동 김민준 이서연 박도윤 최하은 정시우 강지호 조수아 윤예준 장서윤 임주원 한지민 오은우 서지아 신유준 권하린 황민서 안건우 송채원 류현우 전나은 사진 가족',
  ],
  Russian: [
    'windows-1251',
    'Windows-1251',
    'ИВАН АННА МАРИЯ СЕРГЕЙ Анна Мария Путин Ёлкин фото Иванов Смирнов Кузнецов Попов Васильев Петров Соколов Михайлов Новиков Фёдоров Морозов Волков Алексеев Лебедев Ольга Татьяна Елена Наталья Юлия Дмитрий',
  ],
  'Russian of DOS': [
    'ibm866',
    'code page 866',
    'ИВАН АННА СЕРГЕЙ Анна Мария Путин Рычков фото Иванов Смирнов Кузнецов Попов Петров Соколов Михайлов Новиков Ольга Татьяна Елена Наталья Юлия Дмитрий',
  ],
  Western: [
    'windows-1252',
    'Windows-1252 (Latin-1)',
    'José François Björk Muñoz Zoë Renée ÅSA Øystein Þór GÜNTHER Ñandú Gonçalo João Weiß Æthelred Ämne Simões Conceição Magalhães Søren Jürgen Müller Noël André Hélène Íñigo Ángel Åse Bjørn Mañé Óscar',
  ],
};

/** People of one country, together: single names of these are often those of another one. */
const together: Readonly<Record<string, string>> = {
  Czech: 'Jiří Novák|Kateřina Dvořáková|Ondřej Svoboda|Zdeněk Procházka|Lukáš Černý|Žaneta Veselá|Václav Havel|Šárka',
  Hungarian: 'Győző Nagy|László Kovács|Zoltán Tóth|Erzsébet Szűcs|Gergő Ő',
  'Hungarian, one': 'Győző',
  Polish: 'Łukasz Żak|Małgorzata Wójcik|Paweł Kaźmierczak|Agnieszka Dąbrowska|Lech Wałęsa',
  Romanian: 'Ştefan Popa|Mihăiţă Ionescu|Cătălin Bălan|Gheorghe Ţîru',
  Croatian: 'Đorđe Balašević|Željko Ćosić|Jovanović|Šešelj',
};

/** Bytes of an encoding, by reading all of one and two bytes the other way. */
function encoderOf(label: string): (text: string) => Buffer {
  const decoder = new TextDecoder(label);
  const bytesOf = new Map<string, readonly number[]>();
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  const pairs = range(0x81, 0xff).flatMap((lead) => range(0x40, 0xff).map((trail) => [lead, trail]));
  for (const bytes of [...range(0, 256).map((byte) => [byte]), ...pairs]) {
    const text = decoder.decode(Uint8Array.from(bytes));
    if (text.length === 1 && text !== '\ufffd' && !bytesOf.has(text)) bytesOf.set(text, bytes);
  }
  return (text) => Buffer.from([...text].flatMap((character) => bytesOf.get(character)!));
}

describe('guessText', () => {
  it.each(Object.entries(alone))('reads common names alone: %s', (_, [label, encoding, names]) => {
    const encode = encoderOf(label);
    for (const name of names.split(' ')) {
      const text = `${name}/1.jpg`;
      expect(guessText([encode(text)])).toEqual({ texts: [text], encoding });
    }
    const all = names.split(' ').map((name) => `${name}/1.jpg`);
    expect(guessText(all.map(encode))).toEqual({ texts: all, encoding });
  });

  it.each(Object.entries(together))('reads names of Windows-1250: %s', (_, names) => {
    const all = names.split('|').map((name) => `${name}/1.jpg`);
    expect(guessText(all.map(encoderOf('windows-1250')))).toEqual({ texts: all, encoding: 'Windows-1250' });
  });

  it.each(names)('reads %s: %s', (encoding, texts, hex) => {
    expect(guessText(hex.map((part) => Buffer.from(part, 'hex')))).toEqual({ texts, encoding });
  });

  it('decodes anything', () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(guessText([all]).texts[0].length).toBeGreaterThan(100);
    expect(guessText([])).toEqual({ texts: [], encoding: 'UTF-8' });
  });
});
