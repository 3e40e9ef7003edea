// The people in a set of photos.
import { ask } from './client.js';
import { byId, element, errorText, pictureOf, problemList } from './dom.js';
import { isPicture, onFiles } from './files.js';
import type { ShownFace } from './protocol.js';
import { givenThreshold, setup } from './setup.js';

const button = byId('find', HTMLButtonElement);
const stop = byId('find-stop', HTMLButtonElement);
const status = byId('find-status');
const progress = byId('find-progress', HTMLProgressElement);
const list = byId('people');
let photos: readonly File[] = [];
let running: AbortController | undefined;

function update(): void {
  button.disabled = setup.model === undefined || photos.length === 0 || running !== undefined;
  stop.hidden = running === undefined;
  progress.hidden = running === undefined;
}

export function startPeople(): void {
  setup.addEventListener('change', update);
  onFiles(byId('photos', HTMLInputElement), byId('photos-drop'), (files) => {
    photos = files.filter(isPicture).map(({ file }) => file);
    byId('photos-count').textContent = `${photos.length} ${photos.length === 1 ? 'photo' : 'photos'}`;
    update();
  });
  button.addEventListener('click', () => void find());
  stop.addEventListener('click', () => running?.abort());
}

async function find(): Promise<void> {
  list.replaceChildren();
  running = new AbortController();
  progress.value = 0;
  status.textContent = 'Looking for faces …';
  update();
  try {
    const { people, problems } = await ask(
      'findPeople',
      { files: photos, threshold: givenThreshold() },
      { signal: running.signal, onTold: ({ done, total }) => (progress.value = done / total) },
    );
    const several = people.filter((faces) => faces.length > 1);
    const single = people.filter((faces) => faces.length === 1).flat();
    const faces = people.reduce((sum, found) => sum + found.length, 0);
    status.textContent = `${faces} ${faces === 1 ? 'face' : 'faces'} of ${people.length} ${people.length === 1 ? 'person' : 'people'}.`;
    list.append(
      ...several.map((found, i) => person(`Person ${i + 1}, ${found.length} faces`, found)),
      ...(single.length === 0 ? [] : [person('Seen once each', single)]),
      ...problemList(problems),
    );
  } catch (error) {
    status.replaceChildren(errorText(error));
  }
  running = undefined;
  update();
}

function person(title: string, faces: readonly ShownFace[]): HTMLElement {
  const items = faces.map(({ file, crop }) => element('li', [pictureOf(crop, `A face in ${file}`), file]));
  return element('section', [element('h3', title), element('ul', items, { class: 'faces' })]);
}
