// Two photos compared.
import { ask } from './client.js';
import { byId, element, errorText, pictureOf } from './dom.js';
import { onFiles } from './files.js';
import type { Calls } from './protocol.js';
import { givenThreshold, setup } from './setup.js';

const sides = ['first', 'second'] as const;
const button = byId('verify', HTMLButtonElement);
const result = byId('verify-result');
const photos = new Map<(typeof sides)[number], File>();

function update(): void {
  button.disabled = setup.model === undefined || photos.size < sides.length;
}

export function startVerify(): void {
  setup.addEventListener('change', update);
  for (const side of sides) {
    onFiles(byId(side, HTMLInputElement), byId(`${side}-drop`), ([file]) => {
      if (file === undefined) return;
      photos.set(side, file.file);
      result.replaceChildren();
      const face = byId(`${side}-face`);
      face.hidden = false;
      face.replaceChildren(element('figcaption', file.file.name));
      update();
    });
  }
  button.addEventListener('click', () => void compare());
}

async function compare(): Promise<void> {
  button.disabled = true;
  result.replaceChildren('Comparing …');
  try {
    const [a, b] = sides.map((side) => photos.get(side)!);
    const answer = await ask('verify', { a: a!, b: b!, threshold: givenThreshold() });
    for (const [i, side] of sides.entries()) {
      const { name } = photos.get(side)!;
      const face = pictureOf(answer.crops[i]!, `The face found in ${name}`);
      byId(`${side}-face`).replaceChildren(face, element('figcaption', name));
    }
    result.replaceChildren(...said(answer));
  } catch (error) {
    result.replaceChildren(errorText(error));
  }
  update();
}

function said({ verification, faces }: Calls['verify']['gives']): Node[] {
  const { similarity, same, threshold } = verification;
  const verdict = same === undefined ? 'No decision' : same ? 'The same person' : 'Different people';
  const kind = same === undefined ? '' : same ? 'same' : 'different';
  const limit = threshold === undefined ? 'no threshold is given' : `the threshold is ${threshold.toFixed(3)}`;
  return [
    element('p', verdict, { class: `verdict ${kind}` }),
    element('p', [
      'Similarity ',
      element('data', similarity.toFixed(4), { id: 'similarity', value: String(similarity) }),
      ` of at most 1; ${limit}.`,
    ]),
    ...(Math.max(...faces) > 1
      ? [element('p', 'Of several faces in a photo the one nearest the middle was taken.')]
      : []),
  ];
}
