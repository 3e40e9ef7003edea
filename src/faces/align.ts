// From a photo and its landmarks to the aligned crop.
import type { Picture } from '../images/source.js';
import type { Landmarks } from './geometry.js';
import { type Affine, fitSimilarity, invert, type SimilaritySolver } from './similarity.js';
import type { Template } from './template.js';
import { warp } from './warp.js';

/** What happens to a photo without a face: left out (published), cropped around its centre, or the run stops. */
export const missingFacePolicies = ['skip', 'center', 'fail'] as const;
export type MissingFacePolicy = (typeof missingFacePolicies)[number];

/** The crop of `template` in which the photo's landmarks lie on the template's. */
export function alignFace(
  photo: Picture,
  landmarks: Landmarks,
  template: Template,
  solver: SimilaritySolver = 'cp2tform',
): Picture {
  const photoToCrop = fitSimilarity(landmarks, template.landmarks, solver);
  return warp(photo, invert(photoToCrop), template.width, template.height);
}

/** The largest part of the photo with the template's proportions, around the centre: for photos without a face. */
export function cropCenter(photo: Picture, template: Template): Picture {
  const scale = Math.min(photo.width / template.width, photo.height / template.height);
  const cropToPhoto: Affine = {
    a: scale,
    b: 0,
    c: (photo.width - 1 - scale * (template.width - 1)) / 2,
    d: 0,
    e: scale,
    f: (photo.height - 1 - scale * (template.height - 1)) / 2,
  };
  return warp(photo, cropToPhoto, template.width, template.height);
}
