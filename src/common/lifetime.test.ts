// Queues and lifetimes: order after failures, release after what is under way, refusal of what comes later.
import { describe, expect, it } from 'vitest';
import { Lifetime } from './lifetime.js';
import { Queue } from './queue.js';

/** A promise and its ends. */
function open<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let ends: Pick<ReturnType<typeof open<T>>, 'resolve' | 'reject'>;
  const promise = new Promise<T>((resolve, reject) => {
    ends = { resolve, reject };
  });
  return { promise, ...ends! };
}

describe('a queue', () => {
  it('does one thing after the other, in order, also after a failure', async () => {
    const queue = new Queue();
    const events: string[] = [];
    const gate = open<undefined>();
    const first = queue.run(async () => {
      events.push('first');
      await gate.promise;
      events.push('first failed');
      throw new Error('no');
    });
    const second = queue.run(async () => events.push('second'));
    await Promise.resolve();
    expect(events).toEqual(['first']);
    gate.resolve(undefined);
    await expect(first).rejects.toThrow('no');
    await second;
    await queue.idle();
    expect(events).toEqual(['first', 'first failed', 'second']);
  });
});

describe('a lifetime', () => {
  it('waits for what is under way, refuses what comes later, and releases once', async () => {
    const lifetime = new Lifetime('thing');
    const events: string[] = [];
    const gate = open<string>();
    const used = lifetime.use(() => gate.promise).then((value) => events.push(value));
    const release = async () => void events.push('released');
    const [end, again] = [lifetime.end(release), lifetime.end(release)];
    await expect(lifetime.use(() => Promise.resolve())).rejects.toThrow(/^This thing has been disposed of/);
    expect(events).toEqual([]);
    gate.resolve('used');
    await Promise.all([used, end, again]);
    expect(events).toEqual(['used', 'released']);
  });

  it('is ended by failures as by successes', async () => {
    const lifetime = new Lifetime('thing');
    await expect(lifetime.use(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await lifetime.end(() => Promise.resolve());
  });
});
