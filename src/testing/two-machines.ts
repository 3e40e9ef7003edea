// For tests: two network namespaces of this machine, each with an address and a name of its own, joined by a cable: to MPI, two machines.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JobEnd, jobOf, mpirun, mpiWorks } from './mpirun.js';

const addresses = ['10.213.7.1', '10.213.7.2'] as const;

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' });
}

/** Whether namespaces can be made here: for root of a machine, not in most containers. */
export const machinesWork: boolean = mpiWorks && canMakeMachines();

/** Title suffix of a suite that needs them, which says why it is skipped. */
export const machinesTitle: string = machinesWork
  ? 'over two machines'
  : 'over two machines (skipped: needs mpirun, and root for network namespaces)';

function canMakeMachines(): boolean {
  const name = `sphereface-try-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name], { stdio: 'ignore' }).status === 0;
  return made && spawnSync('ip', ['netns', 'del', name], { stdio: 'ignore' }).status === 0;
}

/** The two machines, until they are disposed of. */
export class TwoMachines implements Disposable {
  private readonly folder = mkdtempSync(join(tmpdir(), 'machines-'));
  private readonly prefix = `sphereface-${process.pid}-`;
  private readonly agent = join(this.folder, 'agent.sh');

  constructor() {
    const [a, b] = addresses.map((address) => this.prefix + address);
    for (const name of [a, b]) ip('netns', 'add', name);
    ip('link', 'add', 'cable', 'netns', a, 'type', 'veth', 'peer', 'name', 'cable', 'netns', b);
    for (const [i, name] of [a, b].entries()) {
      ip('-n', name, 'addr', 'add', `${addresses[i]}/24`, 'dev', 'cable');
      for (const device of ['lo', 'cable']) ip('-n', name, 'link', 'set', device, 'up');
    }
    // In the place of ssh: an address, and a command to run there.
    const script = `#!/bin/sh
address=$1; shift
exec ip netns exec "${this.prefix}$address" unshare --uts sh -c 'hostname "node-$0"; exec sh -c "$*"' "$address" "$@"
`;
    writeFileSync(this.agent, script, { mode: 0o755 });
  }

  /** Runs a file of this project, or what node takes in its place, as one process on each machine. */
  run(command: readonly string[]): Promise<JobEnd> {
    const hosts = addresses.map((address) => `${address}:1`).join();
    const job = [mpirun, '--allow-run-as-root', '-n', '2', '--host', hosts, '--mca', 'plm_rsh_agent', this.agent];
    return jobOf(this.agent, [addresses[0], ...job, process.execPath, ...command]).end;
  }

  [Symbol.dispose](): void {
    for (const address of addresses) ip('netns', 'del', this.prefix + address);
    rmSync(this.folder, { recursive: true });
  }
}
