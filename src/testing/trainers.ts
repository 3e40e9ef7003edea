// For tests of training: steps taken, and states that later steps do not change.
import type { Checkpoint } from '../training/checkpoint.js';
import type { Trainer } from '../training/trainer.js';

/** Takes steps, and gives the loss of each. */
export async function losses(trainer: Trainer, steps: number): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < steps; i++) taken.push(await trainer.step());
  return taken;
}

/** A checkpoint that later steps do not change. */
export async function keptCheckpoint(trainer: Trainer): Promise<Checkpoint> {
  return structuredClone(await trainer.checkpoint());
}
