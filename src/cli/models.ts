// `sphereface models pull`: the published weights, fetched and verified.
import { dirname } from 'node:path';
import { Argument, type Command } from 'commander';
import { lineOf } from '../common/index.js';
import { loadMtcnnWeights, mtcnnDigests, mtcnnOrigin } from '../faces/index.js';
import { loadStarter, starterModel } from '../models/index.js';
import { type CommonOptions, Output, withCommonOptions } from './context.js';

/** Where a model's files are, and what they were held to. */
interface Pulled {
  readonly folder: string;
  readonly fetchedFrom?: string;
  /** SHA-256 of weights, by what they are the weights of. */
  readonly digests: Readonly<Record<string, string>>;
}

interface PullOptions {
  readonly models?: string;
  readonly log: (line: string) => void;
}

/** A published model: what is said of it, and how it is had. */
interface PublishedModel {
  readonly origin: {
    readonly name: string;
    readonly title: string;
    readonly authors: string;
    readonly homepage: string;
    readonly licence: string;
  };
  readonly pull: (options: PullOptions) => Promise<Pulled>;
}

const published: Readonly<Record<string, PublishedModel>> = {
  mtcnn: {
    origin: mtcnnOrigin,
    pull: async (options) => {
      const { folder, fetchedFrom } = await loadMtcnnWeights(options);
      return { folder, ...(fetchedFrom === undefined ? {} : { fetchedFrom }), digests: mtcnnDigests };
    },
  },
  starter: {
    origin: starterModel,
    pull: async (options) => {
      const { path, fetchedFrom } = await loadStarter(options);
      const { name, weightsDigest } = starterModel;
      return {
        folder: dirname(path),
        ...(fetchedFrom === undefined ? {} : { fetchedFrom }),
        digests: { [name]: weightsDigest },
      };
    },
  },
};

export function registerModels(program: Command): void {
  const models = program.command('models').description('the published weights this package uses');
  withCommonOptions(
    models
      .command('pull')
      .description('fetch the published weights into the cache and verify them (first use does it by itself)')
      .addArgument(
        new Argument('[names...]', 'mtcnn: the face detector; starter: the starter embedder; both by default').choices(
          Object.keys(published),
        ),
      ),
  ).action(pull);
}

async function pull(names: readonly string[], options: CommonOptions): Promise<void> {
  const out = new Output(options.json === true);
  const wanted = names.length > 0 ? names : Object.keys(published);
  const results: object[] = [];
  for (const name of wanted) {
    const { origin, pull: pullModel } = published[name]!;
    const { title, authors, homepage, licence } = origin;
    let pulled: Pulled;
    try {
      pulled = await pullModel({
        ...(options.models === undefined ? {} : { models: options.models }),
        log: (line) => {
          out.line(line);
        },
      });
    } catch (error) {
      // A folder of models need not hold all of them, unless it was asked for one.
      if (options.models === undefined || names.length > 0 || name === 'mtcnn') throw error;
      out.warn(lineOf(error));
      continue;
    }
    const { folder, fetchedFrom, digests } = pulled;
    out.line(title);
    out.line(`  by ${authors}`);
    out.line(`  origin   ${homepage}`);
    out.line(`  licence  ${licence}`);
    out.line(`  files    ${folder}${fetchedFrom === undefined ? ' (there already)' : `, fetched from ${fetchedFrom}`}`);
    for (const [part, digest] of Object.entries(digests)) out.line(`  verified ${part}  SHA-256 ${digest}`);
    results.push({
      name: origin.name,
      title,
      authors,
      homepage,
      licence,
      folder,
      fetchedFrom: fetchedFrom ?? null,
      digests,
    });
  }
  out.result({ models: results });
}
