// Training data of a source of image files.
import { decodeCrop } from '../images/decode.js';
import { throughJpeg } from '../images/encode.js';
import type { ImageSource } from '../images/source.js';
import { type Dataset, type DatasetOrder, labelledImages, wholeSource } from './labelled-images.js';
import type { DataSelection } from './recipe-sections.js';

/** {@link labelledImages} of a source whose images are encoded (JPEG, PNG, …), as those of folders, zips and lists are. */
export function datasetOf(
  source: ImageSource,
  selection: DataSelection = wholeSource,
  order: DatasetOrder = {},
): Dataset {
  return { ...labelledImages(source, decodeCrop, selection, order), jpeg: throughJpeg };
}
