// Messages in Confluent's wire format: 0x00, the schema id in four bytes, the Avro payload.
import { ByteWriter } from '../base/byte-writer.ts';

export const HEADER = 5;

/** The schema id of a message; null when the bytes are not in this format. */
export function schemaIdOf(message: Buffer): number | null {
  return message.length >= HEADER && message[0] === 0 ? message.readUInt32BE(1) : null;
}

export class MessageWriter extends ByteWriter {
  /** Begins a message; one that was begun and not ended is forgotten. */
  begin(schemaId: number): void {
    this.restart();
    this.byte(0);
    this.uint32(schemaId);
  }
}
