// A session over one block of rows that is run for block after block: its outputs lie in buffers that are used again.
import { sizeOf } from '../../graph/index.js';
import { float32, float32Data, Session, type SessionOptions, type Tensor } from '../../runtime/index.js';

/** Where sessions run. */
export type Place = Pick<SessionOptions, 'device' | 'threads'>;

export class BlockSession implements AsyncDisposable {
  private readonly outputs: Readonly<Record<string, Tensor>>;

  private constructor(private readonly session: Session) {
    this.outputs = Object.fromEntries(
      session.outputMetadata.map((output) => {
        const shape = 'shape' in output ? output.shape.map(Number) : [];
        return [output.name, float32(new Float32Array(sizeOf(shape)), shape)];
      }),
    );
  }

  static async create(model: Uint8Array, place: Place): Promise<BlockSession> {
    return new BlockSession(await Session.create(model, place));
  }

  takes(input: string): boolean {
    return this.session.inputNames.includes(input);
  }

  /** @returns the outputs by name, valid until the next run. Feeds that the model does not take are left out. */
  async run(feeds: Readonly<Record<string, Tensor>>): Promise<(name: string) => Float32Array> {
    const wanted = Object.fromEntries(this.session.inputNames.map((name) => [name, feeds[name]]));
    const outputs = await this.session.run(wanted, this.outputs);
    return (name) => float32Data(outputs[name]);
  }

  async dispose(): Promise<void> {
    await this.session.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}

/** Sessions by the shape that they are for, made when one is first needed. */
export class BlockSessions implements AsyncDisposable {
  private readonly made = new Map<string, Promise<BlockSession>>();

  constructor(private readonly place: Place) {}

  get(key: string, model: () => Uint8Array): Promise<BlockSession> {
    const made = this.made.get(key) ?? BlockSession.create(model(), this.place);
    this.made.set(key, made);
    return made;
  }

  async dispose(): Promise<void> {
    for (const session of this.made.values()) await (await session).dispose();
    this.made.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}
