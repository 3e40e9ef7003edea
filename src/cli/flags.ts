// The library's errors name its options, in backticks; a command's user knows them as flags.
import type { Command } from 'commander';

/** Options whose flags have other names. */
const flagNames: Readonly<Record<string, string>> = {
  falseAcceptRate: 'far',
  falsePositiveIdentificationRate: 'fpir',
};

/** A message with the options in backticks as the flags of `command`: `minSize` as --min-size, `device: 'cpu'` as --device cpu. */
export function inFlags(message: string, command: Command): string {
  return message.replace(/`(\w+)(?:: '?([^'`]+)'?)?`/g, (whole, name: string, value: string | undefined) => {
    const option = command.options.find((other) => other.attributeName() === (flagNames[name] ?? name));
    if (option?.long === undefined) return whole;
    return value === undefined ? option.long : `${option.long} ${value}`;
  });
}
