// The list of commands; each lives in its own file and registers itself on the program.
import type { Command } from 'commander';
import { registerEmbed } from './embed.js';

export const commands: readonly ((program: Command) => void)[] = [registerEmbed];
