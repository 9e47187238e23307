// A limit of memory that the kernel keeps, as the container of that size would have: a control group, which takes root. Both
// versions, since machines have either.
import { existsSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { onTestFinished } from 'vitest';

const ROOT = '/sys/fs/cgroup';

export interface MemoryLimit {
  /** Words before a command that put it under the limit. */
  readonly launcher: readonly string[];
  /** The most memory that was charged, files that were read included, MB. */
  peakMb(): Promise<number>;
  /** How often the kernel ended a process because it wanted more. */
  kills(): Promise<number>;
}

/** Swap is not lent either. Gone when the test is over, and so must be what ran in it. */
export async function memoryLimit(mb: number): Promise<MemoryLimit> {
  const isUnified = existsSync(`${ROOT}/cgroup.controllers`);
  const { parent, files } = isUnified ? UNIFIED : LEGACY;
  if (isUnified) await writeFile(`${parent}/cgroup.subtree_control`, '+memory');
  const group = `${parent}/harvest-kafka-${process.pid}`;
  await mkdir(group);
  onTestFinished(() => rmdir(group));
  const bytes = String(mb * 2 ** 20);
  await writeFile(`${group}/${files.limit}`, bytes);
  if (existsSync(`${group}/${files.swap}`)) await writeFile(`${group}/${files.swap}`, isUnified ? '0' : bytes);
  const read = (file: string) => readFile(`${group}/${file}`, 'utf8');
  return {
    launcher: ['sh', '-c', `echo $$ > ${group}/cgroup.procs && exec "$@"`, 'sh'],
    peakMb: async () => Number(await read(files.peak)) / 2 ** 20,
    kills: async () => Number(/^oom_kill (\d+)$/m.exec(await read(files.events))![1]),
  };
}

const UNIFIED = {
  parent: ROOT,
  files: { limit: 'memory.max', swap: 'memory.swap.max', peak: 'memory.peak', events: 'memory.events' },
} as const;

/** The second limit is of memory and swap together. */
const LEGACY = {
  parent: `${ROOT}/memory`,
  files: {
    limit: 'memory.limit_in_bytes',
    swap: 'memory.memsw.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    events: 'memory.oom_control',
  },
} as const;
