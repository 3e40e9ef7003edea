// Training: folders of people in, curves while it goes on, a model and a report out.
import { ask } from './client.js';
import { byId, element, errorText, problemList } from './dom.js';
import { byPerson, onFiles } from './files.js';
import { Curve, drawSphere } from './plots.js';
import type { Calls, LabelledFile, TrainingData, TrainingResult } from './protocol.js';
import { openModel, setup } from './setup.js';

const button = byId('train', HTMLButtonElement);
const stop = byId('train-stop', HTMLButtonElement);
const status = byId('train-status');
const bar = byId('train-progress', HTMLProgressElement);
const result = byId('train-result');
const curves = {
  loss: new Curve(byId('loss'), 'Loss'),
  lambda: new Curve(byId('lambda'), 'λ of the margin'),
  energy: new Curve(byId('energy'), 'Hyperspherical energy'),
  angle: new Curve(byId('angle'), 'Smallest angle between two people', '°'),
};
let files: readonly LabelledFile[] = [];
let running: AbortController | undefined;
/** Addresses of the last result's files. */
let addresses: string[] = [];

function kindOf(): TrainingData['kind'] {
  return document.querySelector<HTMLInputElement>('input[name="kind"]:checked')!.value as TrainingData['kind'];
}

function update(): void {
  const people = new Set(files.map(({ person }) => person)).size;
  const kind = kindOf();
  const enough = kind === 'synthetic' || people > 1;
  button.disabled = running !== undefined || !setup.engine || !enough || (kind === 'photos' && !setup.detector);
  stop.hidden = running === undefined;
  bar.hidden = running === undefined;
  byId('people-drop').hidden = kind === 'synthetic';
  byId('people-count').textContent = files.length === 0 ? '' : `${people} people, ${files.length} pictures`;
}

export function startTraining(): void {
  setup.addEventListener('change', update);
  for (const choice of document.querySelectorAll('input[name="kind"]')) choice.addEventListener('change', update);
  onFiles(byId('people-input', HTMLInputElement), byId('people-drop'), (found) => {
    files = byPerson(found);
    update();
  });
  button.addEventListener('click', () => void train());
  stop.addEventListener('click', () => running?.abort());
}

async function train(): Promise<void> {
  const steps = byId('iterations', HTMLInputElement);
  if (!steps.reportValidity()) return;
  for (const address of addresses) URL.revokeObjectURL(address);
  result.replaceChildren();
  for (const curve of Object.values(curves)) curve.clear();
  byId('curves').hidden = true;
  running = new AbortController();
  bar.value = 0;
  status.textContent = 'Getting the pictures ready …';
  update();
  const data = { kind: kindOf(), files: kindOf() === 'synthetic' ? [] : files };
  try {
    const trained = await ask('train', { data, iterations: steps.valueAsNumber }, { signal: running.signal, onTold });
    status.textContent = trained.status === 'finished' ? 'Trained.' : 'Stopped. The model is what was learnt so far.';
    result.replaceChildren(...said(trained));
  } catch (error) {
    status.textContent = '';
    result.replaceChildren(errorText(error));
  }
  running = undefined;
  update();
}

/** Every so many steps are said aloud: a live region that changes with each line would never be silent. */
const saidSteps = 50;

function onTold(told: Calls['train']['tells']): void {
  switch (told.stage) {
    case 'pictures':
      bar.value = told.done / told.total;
      return;
    case 'steps': {
      const { iteration, iterations, line, sphere, identities } = told.progress;
      byId('curves').hidden = false;
      bar.value = iteration / iterations;
      if (iteration % saidSteps < 5) {
        status.textContent = `Step ${iteration} of ${iterations}, ${line.imagesPerSecond.toFixed(0)} pictures a second.`;
      }
      curves.loss.add(iteration, line.loss);
      curves.lambda.add(iteration, line.lambda);
      curves.energy.add(iteration, line.energy);
      curves.angle.add(iteration, line.minimumAngle);
      drawSphere(byId('sphere'), sphere, identities);
      return;
    }
    default:
      told satisfies never;
  }
}

function said({ model, classifier, report, log, people, pictures, heldOut, problems }: TrainingResult): Node[] {
  const downloads = [
    download('model.onnx', model, 'application/octet-stream', 'the model'),
    download('report.html', report, 'text/html', 'the report'),
    download('log.jsonl', log, 'application/jsonl', 'its numbers'),
    download('model.classifier.safetensors', classifier, 'application/octet-stream', 'the people, for a fine-tune'),
  ];
  addresses = downloads.map(({ href }) => href);
  const use = element('button', 'Use this model here');
  use.addEventListener('click', () => void openModel(new File([model], 'model.onnx')));
  use.disabled = !setup.detector;
  const measured =
    heldOut === undefined
      ? 'There were too few pictures to measure on any that were held out.'
      : `Of ${heldOut.matched + heldOut.mismatched} pairs of pictures that were held out, ${(100 * heldOut.accuracy).toFixed(1)} % are told apart at the best threshold, ${heldOut.threshold.toFixed(3)}. They are of the people it was trained on: it knows less of others.`;
  return [
    element('p', `${people} people, ${pictures} pictures. ${measured}`),
    element(
      'ul',
      downloads.map((link) => element('li', [link, ` ${link.dataset.what!}`])),
      { class: 'downloads' },
    ),
    use,
    ...problemList(problems),
  ];
}

function download(name: string, content: BlobPart, type: string, what: string): HTMLAnchorElement {
  const href = URL.createObjectURL(new Blob([content], { type }));
  return element('a', name, { href, download: name, 'data-what': what });
}
