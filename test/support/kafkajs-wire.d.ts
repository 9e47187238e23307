// kafkajs' own encoder and decoder, as the proxy uses them.

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    readonly buffer: Buffer;
    writeInt16(value: number): this;
    writeInt32(value: number): this;
    writeInt64(value: string): this;
    writeBoolean(value: boolean): this;
    writeString(value: string | null): this;
    writeEncoder(value: Encoder): this;
    writeArray(array: readonly Encoder[]): this;
  }
}

declare module 'kafkajs/src/protocol/decoder.js' {
  export default class Decoder {
    constructor(bytes: Buffer);
    readInt8(): number;
    readInt16(): number;
    readInt32(): number;
    readInt64(): bigint;
    readString(): string | null;
    readBytes(): Buffer | null;
    readArray<T>(read: () => T): T[];
  }
}
