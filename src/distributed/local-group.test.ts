// The group in one process answers as every communicator must.
import { describe, expect, it } from 'vitest';
import { communicatorChecks } from '../testing/communicator-suite.js';
import { localGroup } from './index.js';

describe.each([2, 3, 4])('a group of %i in one process', (size) => {
  it.each(Object.entries(communicatorChecks))('%s', async (_, check) => {
    await Promise.all(localGroup(size).map(check));
  });
});

it('says when members make different calls', async () => {
  const [a, b] = localGroup(2);
  const calls = await Promise.allSettled([a.barrier(), b.broadcast(new Uint8Array(1), 0)]);
  expect(calls.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(String((calls[0] as PromiseRejectedResult).reason)).toMatch(/different calls\.\n {2}got: barrier, broadcast/);
});
