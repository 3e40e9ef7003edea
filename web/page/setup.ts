// Engine, detector and model: what everything else waits for.
import { ask } from './client.js';
import { byId, errorText } from './dom.js';
import { onFiles } from './files.js';
import type { OpenedModel } from './protocol.js';

const status = byId('setup-status');
const threshold = byId('threshold', HTMLInputElement);

/** What there is. Parts of the page listen for `change` and enable what can be done. */
export const setup = new (class extends EventTarget {
  engine = false;
  detector = false;
  model: OpenedModel | undefined;

  changed(): void {
    this.dispatchEvent(new Event('change'));
  }
})();

/** The threshold to decide by, if one is given. @throws Error for what is none. */
export function givenThreshold(): number | undefined {
  if (threshold.value === '') return undefined;
  const value = threshold.valueAsNumber;
  if (value >= -1 && value <= 1) return value;
  throw new Error('The similarity above which two faces are one person lies between −1 and 1.');
}

/** Opens a model, chosen or just trained. */
export async function openModel(file: File): Promise<void> {
  status.textContent = `Opening ${file.name} …`;
  try {
    const model = await ask('openModel', { file });
    setup.model = model;
    byId('model').textContent = `${model.name}, embeddings of ${model.embeddingSize} numbers`;
    const strictest = model.thresholds.reduce<OpenedModel['thresholds'][number] | undefined>(
      (found, one) => (found === undefined || one.falseAcceptRate < found.falseAcceptRate ? one : found),
      undefined,
    );
    if (strictest === undefined) threshold.value = '';
    else threshold.value = strictest.threshold.toFixed(3);
    status.textContent =
      strictest === undefined
        ? 'The model is open. It is not calibrated: give a similarity to decide by.'
        : `The model is open. Its threshold takes ${strictest.falseAcceptRate * 100} % of different people for one, on ${model.calibratedOn ?? 'pairs of its own'}.`;
    setup.changed();
  } catch (error) {
    status.replaceChildren(errorText(error));
  }
}

/** Loads engine and detector, and takes models and detector files from now on. */
export async function startSetup(): Promise<void> {
  onFiles(byId('model-input', HTMLInputElement), byId('model-drop'), ([first]) => {
    if (first !== undefined) void openModel(first.file);
  });
  onFiles(byId('detector-input', HTMLInputElement), byId('detector-files'), (files) => {
    void ask('openDetector', { files: files.map(({ file }) => file) }).then(
      () => {
        detectorIs(true);
        status.textContent = 'The detector is open.';
      },
      (error: unknown) => status.replaceChildren(errorText(error)),
    );
  });
  try {
    const { engine, detector } = await ask('start', { detector: new URL('detector/', document.baseURI).href });
    setup.engine = true;
    byId('engine').textContent = engine;
    detectorIs(detector);
    status.textContent = 'Ready. From here on the network is not needed.';
  } catch (error) {
    byId('engine').textContent = 'none';
    status.replaceChildren(errorText(error));
  }
}

function detectorIs(there: boolean): void {
  setup.detector = there;
  byId('detector').textContent = there ? 'MTCNN' : 'not beside this page: choose its files';
  byId('detector-files').hidden = there;
  setup.changed();
}
