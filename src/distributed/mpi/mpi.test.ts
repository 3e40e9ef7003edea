// MPI answers as every communicator must, and says what is wrong when it cannot be had.
import { afterEach, describe, expect, it } from 'vitest';
import { communicatorChecks } from '../../testing/communicator-suite.js';
import { type JobEnd, mpiTitle, mpiWorks, runRanks } from '../../testing/mpirun.js';
import { machinesTitle, machinesWork, TwoMachines } from '../../testing/two-machines.js';
import { loadLibrary } from './library.js';

const child = 'src/testing/communicator-child.ts';

/** All checks passed, on so many ranks and machines. */
function expectAnswers({ status, stdout, stderr }: JobEnd, where: string): void {
  expect(stderr).not.toMatch(/Error/);
  const passed = Object.keys(communicatorChecks).map((name) => `passed: ${name}`);
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toEqual([expect.stringMatching(new RegExp(`^${where} through Open MPI [45]\\.\\d`)), ...passed]);
  expect(status).toBe(0);
}

describe.skipIf(!machinesWork)(machinesTitle, () => {
  it('ranks answer as a communicator must', async () => {
    using machines = new TwoMachines();
    expectAnswers(await machines.run(['--import', 'tsx', child]), '2 ranks on 2 machines');
  });
});

describe.skipIf(!mpiWorks)(mpiTitle, () => {
  it.each([2, 4])('%i ranks answer as a communicator must', async (ranks) => {
    expectAnswers(await runRanks(ranks, ['--import', 'tsx', child]), `${ranks} ranks on 1 machine`);
  });

  it('tells a library that is not the launcher’s by the size of its world', async () => {
    const { status, stderr } = await runRanks(2, ['--import', 'tsx', '--input-type=module', '-e', wrongWorld]);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/not that of the launcher[\s\S]*which knows of 2 processes[\s\S]*which started 4/);
  });
});

const wrongWorld = `
  process.env.OMPI_COMM_WORLD_SIZE = '4';
  const { joinWorld } = await import('./src/distributed/index.ts');
  await joinWorld();
`;

describe('the MPI library', () => {
  const launch = { launcher: 'Open MPI', rank: 0, size: 2, localSize: 2 } as const;
  afterEach(() => {
    delete process.env.SPHEREFACE_MPI_LIBRARY;
  });

  it('is missed by name', async () => {
    process.env.SPHEREFACE_MPI_LIBRARY = '/nowhere/libmpi.so';
    await expect(loadLibrary(launch)).rejects.toThrow(
      /MPI library cannot be loaded[\s\S]*Open MPI started this process as one of 2; .*nowhere\/libmpi\.so[\s\S]*openmpi-bin/,
    );
  });

  // The loader finds it by this name on every Linux of glibc.
  it.skipIf(process.platform !== 'linux')(
    'is refused when it is another library (skipped where there is no glibc)',
    async () => {
      process.env.SPHEREFACE_MPI_LIBRARY = 'libm.so.6';
      const { koffi, library, path } = await loadLibrary(launch);
      const { MpiCalls } = await import('./calls.js');
      expect(() => new MpiCalls(koffi, library, path)).toThrow(/libm\.so\.6 is no MPI library/);
    },
  );
});
