// How a face was placed in its crop: what crops, lists, checkpoints and models state, and what must agree where they meet.

/** Which template and which solver placed the face in the crop. Crops and models that differ in it must not meet. */
export interface AlignmentSpec {
  /** `sphereface-112x96`, `sphereface-112x112`, or a foreign model's own name. */
  readonly template: string;
  /** How the similarity was solved: `cp2tform` (published) or `umeyama`. */
  readonly solver: string;
  /** Raised whenever the same photo would give other crops. */
  readonly version: number;
}

/** Whether two alignments are the same one. */
export function sameAlignment(a: AlignmentSpec, b: AlignmentSpec): boolean {
  return a.template === b.template && a.solver === b.solver && a.version === b.version;
}

/** An alignment in words: `template sphereface-112x96, solver cp2tform, version 1`. */
export function describeAlignment({ template, solver, version }: AlignmentSpec): string {
  return `template ${template}, solver ${solver}, version ${version}`;
}
