// One account's log in the fleet: rows and topics in memory, and the signatures by which the real rules decide whose it is. Judges
// each commit and each signature as it becomes visible.
import type { Simulator } from '../../../../lab/simulator/index.ts';
import type { Batch } from '../../../../src/engine/ports.ts';
import type { Rank } from '../../../../src/kafka/rank.ts';
import { compareRanks } from '../../../../src/kafka/rank.ts';
import { FetchedRecord } from '../../../../src/kafka/record-batch.ts';
import type { AccountSignal } from '../../../../src/kafka/signals.ts';
import type { Owner } from '../../../../src/kafka/state-topic.ts';
import { JudgedLog } from '../judged-log.ts';
import type { Plan } from '../plan.ts';

/** One who may write: a tenure. */
export interface Writer {
  readonly name: string;
  readonly rank: () => Rank | null;
  readonly release: () => { readonly key: string; readonly value: string };
}

interface StateMessage {
  readonly key?: Buffer | string | null;
  readonly value: Buffer | string | null;
}

export class SignedLog extends JudgedLog {
  /** Signatures and releases, in the order of the state topic. */
  readonly signatures: FetchedRecord[] = [];
  /** Given by people and not carried out. */
  readonly ofAccount = new Map<string, AccountSignal>();
  /** Hears of each signature, with whoever signed before. */
  onSign: (writer: Writer, before: { readonly writer: Writer; readonly isReleased: boolean }) => void = () => {};
  /** The last to sign, and the producer under which it did; null after its release. */
  #holder: { readonly writer: Writer; readonly epoch: number } | null = null;
  #writer: Writer | null = null;
  #lastWriter: Writer | null = null;
  #greatest: Owner | null = null;

  constructor(simulator: Simulator, plan: Plan) {
    super(simulator, plan);
    // Signatures say more than the order of openings.
    this.opens(0);
  }

  /** Whoever can commit now; null while nobody has signed since the last fence or release. */
  get holder(): Writer | null {
    return this.#holder?.epoch === this.epoch ? this.#holder.writer : null;
  }

  /** Who signed last, and was fenced since by somebody who has not signed: finds that out when it commits next. */
  get fencedOut(): Writer | null {
    return this.#holder?.epoch === this.epoch ? null : (this.#holder?.writer ?? null);
  }

  get lastSignature(): Owner | null {
    const last = this.signatures.at(-1);
    return last === undefined ? null : (JSON.parse(last.value!.toString()) as Owner);
  }

  /** Returns the offset of the signature. */
  sign(writer: Writer, message: StateMessage): number {
    const isReleased = this.lastSignature?.released_at !== undefined;
    if (this.#lastWriter !== null) this.onSign(writer, { writer: this.#lastWriter, isReleased });
    this.#lastWriter = writer;
    const offset = this.#store(message);
    const owner = this.lastSignature!;
    this.#holder = { writer, epoch: this.epoch };
    if (owner.group !== undefined && compareRanks(owner, this.#greatest) >= 0) this.#greatest = owner;
    return offset;
  }

  commitAs<T>(writer: Writer, commit: () => T): T {
    this.#writer = writer;
    return this.writes(0, commit);
  }

  override append(batch: Batch): void {
    const writer = this.#writer!;
    const signature = this.lastSignature;
    if (this.#holder?.writer !== writer)
      this.broken.push(`P5: ${writer.name} wrote behind the signature of ${signature?.member ?? signature?.instance}`);
    if (compareRanks(this.#greatest, writer.rank()) > 0)
      this.broken.push(`P5: ${writer.name} wrote although term ${this.#greatest!.term} had signed`);
    super.append(batch);
    if (!batch.isLast) return;
    this.#store(writer.release());
    this.#holder = null;
  }

  /** Whoever closes the account before its last commit. */
  releaseAtLast(writer: Writer): void {
    if (this.holder !== writer) return;
    this.#store(writer.release());
    this.#holder = null;
  }

  #store({ key, value }: StateMessage): number {
    const offset = this.signatures.length;
    const bytes = value === null ? null : Buffer.from(value);
    this.signatures.push(new FetchedRecord(offset, 0, Buffer.from(key ?? ''), bytes, Buffer.alloc(1), 0));
    return offset;
  }
}
