// The page: its parts, wired to the worker.
import { startPeople } from './people.js';
import { startSetup } from './setup.js';
import { makeTabs } from './tabs.js';
import { startTraining } from './train.js';
import { startVerify } from './verify.js';

makeTabs(document.querySelector<HTMLElement>('[role="tablist"]')!);
startVerify();
startPeople();
startTraining();
void startSetup();

// A photo that misses its place must not take the page's.
for (const name of ['dragover', 'drop']) document.addEventListener(name, (event) => event.preventDefault());
