// The page's worker: engine, detector, model and training, so that the page itself stays alive.
import {
  BrowserRecognizer,
  type DetectedFace,
  decodePicture,
  FaceFinder,
  fetchDetector,
  messageOf,
  type MtcnnWeights,
  pageRecipe,
  type Person,
  type Picture,
  readDetector,
  startEngine,
  syntheticConditions,
  syntheticCrop,
  syntheticPerson,
  trainModel,
} from '../../src/web/index.js';
import type {
  CallName,
  Calls,
  FromWorker,
  PhotoProblem,
  ShownFace,
  Thumbnail,
  ToWorker,
  TrainingData,
} from './protocol.js';

/** The people who are drawn for a try, and how many pictures of each. */
const synthetic = { people: 12, pictures: 32, seed: 1 };
/** What an aligned crop measures. */
const cropSize = { width: 96, height: 112 };

let weights: MtcnnWeights | undefined;
let recognizer: BrowserRecognizer | undefined;

/** How a call is answered. */
type Answer<Name extends CallName> = (
  given: Calls[Name]['with'],
  tell: (what: Calls[Name]['tells']) => void,
  signal: AbortSignal,
) => Promise<Calls[Name]['gives']>;

const answers: { readonly [Name in CallName]: Answer<Name> } = {
  async start({ detector }) {
    const { description } = await startEngine();
    weights = await fetchDetector(detector).catch(() => undefined);
    return { engine: description, detector: weights !== undefined };
  },

  async openDetector({ files }) {
    weights = await readDetector(files);
    return null;
  },

  async openModel({ file }) {
    const opened = await BrowserRecognizer.open(file, requireDetector());
    await recognizer?.dispose();
    recognizer = opened;
    const { metadata, calibration } = opened;
    return {
      name: opened.modelName,
      embeddingSize: metadata.embeddingSize,
      thresholds: calibration?.thresholds ?? [],
      calibratedOn: calibration?.data,
    };
  },

  async verify({ a, b, threshold }) {
    const opened = requireModel();
    const [first, second] = [await chosenFace(opened, a), await chosenFace(opened, b)];
    const verification = await opened.verify(first.face, second.face, threshold === undefined ? {} : { threshold });
    const crops = [thumbnail(first.face.crop()), thumbnail(second.face.crop())] as const;
    return { verification, crops, faces: [first.of, second.of] };
  },

  async findPeople({ files, threshold }, tell, signal) {
    const found = await requireModel().findPeople(files, {
      ...(threshold === undefined ? {} : { threshold }),
      onProgress: (done, total) => tell({ done, total }),
      signal,
    });
    return {
      people: found.people.map((faces) =>
        faces.map(({ photo, crop, box }): ShownFace => ({ file: files[photo].name, crop: thumbnail(crop), box })),
      ),
      problems: [
        ...found.without.map((photo) => ({ file: files[photo].name, reason: 'no face found' })),
        ...found.failed.map(({ photo, error }) => ({ file: files[photo].name, reason: error })),
      ],
    };
  },

  async train({ data, iterations }, tell, signal) {
    const { people, problems } = await picturesOf(
      data,
      (done, total) => tell({ stage: 'pictures', done, total }),
      signal,
    );
    const trained = await trainModel(people, {
      recipe: pageRecipe(iterations),
      signal,
      onProgress: (progress) => tell({ stage: 'steps', progress }),
    });
    return {
      status: trained.status,
      model: Uint8Array.from(trained.model),
      classifier: Uint8Array.from(trained.classifier),
      report: trained.report,
      log: trained.lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
      people: trained.identities.length,
      pictures: people.reduce((sum, { crops }) => sum + crops.length, 0),
      heldOut: trained.heldOut,
      problems,
    };
  },
};

/** Calls that may be stopped, by their numbers. */
const running = new Map<number, AbortController>();

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.call === 'stop') running.get(data.id)?.abort();
  else void answer(data.id, data.call, data.with);
});

async function answer<Name extends CallName>(id: number, call: Name, given: Calls[Name]['with']): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const tell = (value: Calls[Name]['tells']) => reply({ id, kind: 'tells', value });
    const value = await (answers[call] as Answer<Name>)(given, tell, controller.signal);
    reply({ id, kind: 'gives', value });
  } catch (error) {
    reply({ id, kind: 'fails', message: messageOf(error) });
  } finally {
    running.delete(id);
  }
}

function reply(message: FromWorker): void {
  postMessage(message);
}

function requireDetector(): MtcnnWeights {
  if (weights !== undefined) return weights;
  throw new Error('The face detector is missing: choose its three files first.');
}

function requireModel(): BrowserRecognizer {
  if (recognizer !== undefined) return recognizer;
  throw new Error('There is no model yet: choose one first.');
}

/** The face that stands for a photo, and of how many. */
async function chosenFace(
  opened: BrowserRecognizer,
  photo: File,
): Promise<{ readonly face: DetectedFace; readonly of: number }> {
  const found = await opened.detect(photo);
  const face = found.find(({ chosen }) => chosen);
  if (face !== undefined) return { face, of: found.length };
  throw new Error(`No face was found in ${photo.name}.`);
}

/** The crops to train on, by person. */
async function picturesOf(
  { kind, files }: TrainingData,
  tell: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<{ readonly people: readonly Person[]; readonly problems: readonly PhotoProblem[] }> {
  if (kind === 'synthetic') return { people: syntheticPeople(), problems: [] };
  await using finder = kind === 'photos' ? await FaceFinder.open(requireDetector()) : undefined;
  const people = new Map<string, Picture[]>();
  const problems: PhotoProblem[] = [];
  for (const [index, { person, file }] of files.entries()) {
    if (signal.aborted) throw new Error('Stopped before the training began.');
    try {
      const crop = finder === undefined ? await givenCrop(file) : await finder.align(file);
      if (crop === undefined) problems.push({ file: `${person}/${file.name}`, reason: 'no face found' });
      else people.set(person, [...(people.get(person) ?? []), crop]);
    } catch (error) {
      problems.push({ file: `${person}/${file.name}`, reason: messageOf(error) });
    }
    tell(index + 1, files.length);
  }
  return { people: [...people].map(([name, crops]) => ({ name, crops })), problems };
}

async function givenCrop(file: File): Promise<Picture> {
  const picture = await decodePicture(file);
  if (picture.width === cropSize.width && picture.height === cropSize.height) return picture;
  throw new Error(`it has ${picture.width} x ${picture.height} pixels and is no aligned crop of 96 x 112`);
}

function syntheticPeople(): Person[] {
  const { people, pictures, seed } = synthetic;
  return Array.from({ length: people }, (_, person) => {
    const looks = syntheticPerson(seed, person);
    const crops = Array.from({ length: pictures }, (_, photo) =>
      syntheticCrop(looks, syntheticConditions(seed, person, photo, looks)),
    );
    return { name: `person ${person + 1}`, crops };
  });
}

/** RGB as RGBA. */
function thumbnail({ width, height, data }: Picture): Thumbnail {
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) rgba.set(data.subarray(from, from + 3), to);
  return { width, height, data: rgba };
}
