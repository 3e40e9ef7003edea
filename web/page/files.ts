// Files that are chosen or dropped, single ones and whole folders.
import type { LabelledFile } from './protocol.js';

/** A file and its path within what was chosen or dropped. */
export interface PathFile {
  readonly path: string;
  readonly file: File;
}

/** What is chosen with an input or dropped on the place around it. */
export function onFiles(input: HTMLInputElement, place: HTMLElement, take: (files: readonly PathFile[]) => void): void {
  input.addEventListener('change', () => {
    take([...(input.files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file })));
  });
  place.addEventListener('dragover', (event) => {
    event.preventDefault();
    place.classList.add('over');
  });
  place.addEventListener('dragleave', () => place.classList.remove('over'));
  place.addEventListener('drop', (event) => {
    event.preventDefault();
    place.classList.remove('over');
    // Entries must be taken before the event has ended.
    const entries = [...(event.dataTransfer?.items ?? [])].map((item) => item.webkitGetAsEntry());
    void Promise.all(entries.map((entry) => (entry === null ? [] : filesIn(entry)))).then((found) =>
      take(found.flat()),
    );
  });
}

/** The files in a dropped file or folder, at any depth. */
async function filesIn(entry: FileSystemEntry): Promise<PathFile[]> {
  const path = entry.fullPath.replace(/^\//, '');
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path, file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: PathFile[] = [];
  for (;;) {
    // A reader gives some entries at a time, and none when there are no more.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    for (const child of some) found.push(...(await filesIn(child)));
  }
}

/** Whether a file is a picture, as far as its name and the browser say so; hidden files are none. */
export function isPicture({ file }: PathFile): boolean {
  return !file.name.startsWith('.') && (file.type.startsWith('image/') || /\.(heic|heif|avif|jxl)$/i.test(file.name));
}

/** Pictures with their people: the folder that a picture lies in is its person. */
export function byPerson(files: readonly PathFile[]): LabelledFile[] {
  return files.filter(isPicture).flatMap(({ path, file }) => {
    const person = path.split('/').at(-2);
    return person === undefined ? [] : [{ person, file }];
  });
}
