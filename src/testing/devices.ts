// The devices that tests can run on here. WebGPU without a GPU runs on SwiftShader, the software Vulkan inside Debian's chromium.
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { Graph, relu, serialize } from '../graph/index.js';
import { type Device, Session } from '../runtime/index.js';

const chromium = '/usr/lib/chromium';
const softwareDriver = `${chromium}/vk_swiftshader_icd.json`;
const vulkanLoader = `${chromium}/libvulkan.so.1`;

async function works(device: Device): Promise<boolean> {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [1]);
  try {
    const session = await Session.create(serialize(graph, { outputs: { y: relu(x) } }), { device });
    await session.dispose();
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes the software Vulkan usable in this process: names its driver, and loads chromium's Vulkan loader so that the runtime finds
 * `libvulkan.so.1` already there (a library path would have to be set before the process starts).
 */
function useSoftwareVulkan(): void {
  process.env.VK_ICD_FILENAMES = softwareDriver;
  const keepLoaded = 0x1000; // RTLD_NODELETE of glibc: stays although Node unloads what is no addon
  try {
    process.dlopen(
      { exports: {} },
      vulkanLoader,
      constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | keepLoaded,
    );
  } catch {
    // Node always reports that the library is no addon; whether Vulkan works is asked of the runtime afterwards.
  }
}

async function findWebgpu(): Promise<boolean> {
  if (process.env.VK_ICD_FILENAMES === undefined && existsSync(softwareDriver) && existsSync(vulkanLoader)) {
    useSoftwareVulkan();
  }
  return works('webgpu');
}

/** Whether a WebGPU adapter can be had. Without one, tests that need it are reported as skipped. */
export const webgpuWorks: boolean = await findWebgpu();

/** Title suffix of a suite that needs WebGPU, which says why it is skipped. */
export const webgpuTitle: string = webgpuWorks
  ? 'on webgpu'
  : "on webgpu (skipped: no adapter; Debian's chromium has one)";
