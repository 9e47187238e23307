// Every field that Harvest documents, by stream: the outside view that schemas, samples and simulator are held against.
import { readFileSync } from 'node:fs';

export interface DocumentedField {
  /** `line_items[].project.name` */
  readonly path: string;
  readonly type:
    | 'integer'
    | 'decimal'
    | 'string'
    | 'boolean'
    | 'date'
    | 'datetime'
    | 'time'
    | 'object'
    | 'array of integer'
    | 'array of string'
    | 'array of object';
  readonly nullable: boolean;
  readonly mayBeAbsent: boolean;
}

export const documentedFields: Readonly<Record<string, readonly DocumentedField[]>> = JSON.parse(
  readFileSync(new URL('harvest-fields.json', import.meta.url), 'utf8'),
);
