// The words of a group, as bytes: each member says what it can run and what it runs, the leader who runs what. JSON, so that
// an operator can read it with the tools of the broker.
import { gunzipSync, gzipSync } from 'node:zlib';

/** The protocol of the group. A consumer that is given the same group id is refused by the broker. */
export const PROTOCOL_TYPE = 'harvest-kafka';
export const PROTOCOL = 'accounts-1';
/** The shape of metadata and assignment that this version reads and writes. */
export const SHAPE = 1;

/** Beyond this size what is said is compressed: the broker keeps all of a round in one record of a megabyte. */
const PLAIN_MAX_BYTES = 16_384;

/** Account ids, with the term under which the member got each. */
export type Claims = readonly (readonly [account: string, term: number])[];

/** The words of a member when it joins. */
export interface Metadata {
  readonly v: number;
  /** For people; no identity. */
  readonly name: string;
  readonly zone: string;
  readonly version: string;
  /** Where its status page is; empty when it is not told. */
  readonly url: string;
  /** It goes, and its accounts are to go first. */
  readonly leaving: boolean;
  /** The greatest term that it has heard of. */
  readonly term: number;
  /** Ids of the accounts that it could run. */
  readonly accounts: readonly string[];
  /** The accounts that it runs. */
  readonly claims: Claims;
  /** How heavy accounts are that it has run; 1 where it does not know. */
  readonly weight: Readonly<Record<string, number>>;
  /** Accounts of its own that a person wants on another member, by that one's name. */
  readonly moves?: readonly (readonly [account: string, to: string])[];
}

export interface FleetMember {
  readonly name: string;
  readonly zone: string;
  readonly url: string;
  readonly version: string;
  readonly accounts: readonly string[];
}

export interface Unassigned {
  readonly account: string;
  readonly why: string;
}

/** The words of the leader to one member: its accounts, and the fleet, so that any instance can say who has what. */
export interface Assignment {
  readonly v: number;
  readonly term: number;
  /** The name of whoever reads this, made distinct within the group. */
  readonly name: string;
  /** The name of the leader. */
  readonly leader: string;
  /** Lightest first, each with the name of the member whose release is to be waited for. */
  readonly accounts: readonly (readonly [account: string, from: string | null])[];
  readonly fleet: readonly FleetMember[];
  readonly unassigned: readonly Unassigned[];
}

export function encodeMetadata(metadata: Metadata): Buffer {
  return encode(metadata);
}

export function encodeAssignment(assignment: Assignment): Buffer {
  return encode(assignment);
}

/** Null when it is none that this version reads: such a member gets no accounts. */
export function decodeMetadata(bytes: Buffer): Metadata | null {
  const found = decode(bytes) as Partial<Metadata> | null;
  const isWhole = Array.isArray(found?.accounts) && Array.isArray(found.claims) && Number.isInteger(found.term);
  if (!isWhole) return null;
  const { name = '', zone = '', version = '', url = '', leaving = false, weight = {}, moves = [] } = found;
  return { ...(found as Metadata), name, zone, version, url, leaving, weight, moves };
}

/** Null before the first assignment, and for one that this version does not read. */
export function decodeAssignment(bytes: Buffer): Assignment | null {
  const found = decode(bytes) as Partial<Assignment> | null;
  const isWhole = Array.isArray(found?.accounts) && Array.isArray(found.fleet) && Number.isInteger(found.term);
  return isWhole ? ({ name: '', leader: '', unassigned: [], ...found } as Assignment) : null;
}

function encode(value: Metadata | Assignment): Buffer {
  const plain = Buffer.from(JSON.stringify(value));
  return plain.length > PLAIN_MAX_BYTES ? gzipSync(plain) : plain;
}

/** Null for anything but an object. */
function decode(bytes: Buffer): object | null {
  try {
    const isCompressed = bytes[0] === 0x1f && bytes[1] === 0x8b;
    const value = JSON.parse((isCompressed ? gunzipSync(bytes) : bytes).toString()) as unknown;
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
