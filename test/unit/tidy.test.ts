// The rules that keep the rooms apart, checked by reading the sources: who imports whom, and who touches the world.
import { readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { catalog } from '../../src/streams/catalog.ts';

const root = new URL('../..', import.meta.url).pathname;

/** The rooms that each room may import besides itself; `engine/ports`, `events` and `status` are the doors of the engine. */
const DOORS = ['engine/ports', 'engine/events', 'engine/status'];
const MAY_IMPORT: Record<string, readonly string[]> = {
  base: [],
  streams: ['base'],
  engine: ['base', 'streams'],
  harvest: ['base', 'streams', ...DOORS],
  codec: ['base', 'streams', ...DOORS],
  kafka: ['base', 'streams', ...DOORS],
  cluster: ['base', 'kafka'],
  config: ['base', 'streams'],
  observe: ['base', 'streams', ...DOORS, 'cluster/status'],
  verify: ['base', 'streams', ...DOORS, 'engine/state/row-index'],
  sink: ['base', 'streams', 'codec'],
  'settings.ts': ['base', 'streams', 'kafka', 'config'],
  'intervals.ts': ['base', 'streams', 'engine', 'config', 'settings.ts'],
  'privacy.ts': ['base', 'streams', 'codec', 'config', ...DOORS],
  'harvest-source.ts': ['base', 'streams', 'engine', 'harvest', 'config', 'settings.ts', 'privacy.ts'],
  'registry.ts': ['base', 'codec', 'config', 'settings.ts'],
  'tenure.ts': [
    ...['base', 'streams', 'engine', 'harvest', 'codec', 'kafka', 'config', 'cluster'],
    ...['settings.ts', 'intervals.ts', 'harvest-source.ts'],
  ],
  'opening-turn.ts': ['base', ...DOORS],
  'holding.ts': ['base', 'engine', 'cluster', 'kafka', 'config', 'settings.ts', 'tenure.ts', 'opening-turn.ts'],
  'fleet.ts': ['base', 'engine', 'cluster', 'kafka', 'config', 'settings.ts', 'tenure.ts', 'holding.ts'],
  'daemon.ts': [
    ...['base', 'streams', 'engine', 'codec', 'kafka', 'config', 'cluster'],
    ...['settings.ts', 'privacy.ts', 'registry.ts', 'tenure.ts', 'fleet.ts', 'opening-turn.ts'],
  ],
  cli: [
    ...['base', 'streams', 'engine', 'harvest', 'codec', 'kafka', 'config', 'cluster', 'observe', 'verify', 'sink'],
    ...['settings.ts', 'intervals.ts', 'privacy.ts', 'harvest-source.ts', 'registry.ts', 'daemon.ts'],
  ],
  'main.ts': ['base', 'cli'],
  // The world around the publisher: its demo runs the command itself.
  lab: ['base', 'streams', 'kafka', 'config', 'observe', 'sink', 'cli', 'settings.ts'],
};

interface Source {
  /** Below `src`, or `lab/…`. */
  readonly path: string;
  readonly room: string;
  readonly code: string;
}

const below = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, path));
const inRooms = (path: string) => path.replace(/^src\//, '');

const sources: readonly Source[] = [...below('src'), ...below('lab')].map((file) => {
  const path = inRooms(file);
  const text = readFileSync(join(root, file), 'utf8');
  return { path, room: path.split('/')[0]!, code: text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '') };
});

/** Sources of the tests. What they say of time is looked at, and so is text. */
const tests: readonly { readonly path: string; readonly code: string }[] = readdirSync(join(root, 'test'), {
  recursive: true,
  encoding: 'utf8',
})
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path, code: readFileSync(join(root, 'test', path), 'utf8') }));

/** Files of rooms that a source imports, as paths like its own. */
function imports({ path, room, code }: Source): string[] {
  const folder = join(room === 'lab' ? '' : 'src', path, '..');
  return [...code.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    inRooms(normalize(join(folder, match[1]!))),
  );
}

test('the publisher knows nothing of the lab, but for the one place where its command loads the demo', () => {
  const known = sources
    .filter(({ room }) => room !== 'lab')
    .flatMap((source) => imports(source).map((target) => `${source.path} imports ${target}`))
    .filter((line) => /imports lab\//.test(line));
  expect(known).toEqual(['cli/program.ts imports lab/demo/demo.ts']);
});

test('a room imports only the rooms above it', () => {
  const wrong = sources.flatMap((source) =>
    imports(source)
      .filter((target) => target.split('/')[0] !== source.room && target !== 'lab/demo/demo.ts')
      .filter(
        (target) =>
          !MAY_IMPORT[source.room]!.some(
            (allowed) => target === allowed || `${target}/`.startsWith(`${allowed}/`) || target === `${allowed}.ts`,
          ),
      )
      .map((target) => `${source.path} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

/** The engine from its loop down: what stands in a row imports nothing of the rows above it. */
const ENGINE = [
  ['account.ts', 'introduction.ts'],
  ['session.ts'],
  ['account-watch.ts', 'account-status.ts'],
  ['run-step.ts', 'committer.ts'],
  ['schedule.ts', 'commit-events.ts'],
  ['claims.ts', 'pacemaker.ts', 'retry.ts', 'signal-watch.ts', 'token-wait.ts'],
  ['steps'],
  ['reports'],
  ['deletions'],
  ['fetch.ts'],
  ['step.ts'],
  ['state'],
  ['ports.ts', 'events.ts', 'status.ts', 'pace'],
];

test('the engine reads from its loop down: account, session, schedule, steps, reports and deletions, state, ports', () => {
  const rowOf = (path: string) => ENGINE.findIndex((row) => row.includes(path.split('/')[1]!));
  const own = sources.filter(({ room }) => room === 'engine');
  expect(own.filter(({ path }) => rowOf(path) === -1).map(({ path }) => path)).toEqual([]);
  const up = own.flatMap((source) =>
    imports(source)
      .filter((target) => target.startsWith('engine/') && rowOf(target) < rowOf(source.path))
      .map((target) => `${source.path} imports ${target}`),
  );
  expect(up).toEqual([]);
});

/** The parts of a stream that change, and the few places that change them; a step returns what is to become of them. */
const WRITERS: ReadonlyArray<{ readonly name: string; readonly what: RegExp; readonly where: readonly string[] }> = [
  { name: 'its row', what: /\.row = /, where: ['committer', 'state/stream-runtimes'] },
  { name: 'its index', what: /\bindex\.(set|delete|clear)\(/, where: ['committer', 'state/stream-runtimes'] },
  { name: 'its memory', what: /\.memory = /, where: ['session', 'claims', 'state/stream-runtimes'] },
  { name: 'its claim', what: /\.claim = /, where: ['claims'] },
];

test.each(WRITERS)('steps write nothing: of a stream, $name is changed elsewhere alone [P4]', ({ what, where }) => {
  const writers = sources.filter(({ room, code }) => room === 'engine' && what.test(code));
  expect(writers.map(({ path }) => path).sort()).toEqual(where.map((file) => `engine/${file}.ts`).sort());
});

test('the catalog alone knows the streams: elsewhere none stands by its name, and the engine is given those it reads', () => {
  const name = new RegExp(`['"\`](${catalog.map((stream) => stream.name).join('|')})['"\`]`);
  const own = sources.filter(({ room }) => room !== 'lab' && room !== 'streams');
  expect(own.filter(({ code }) => name.test(code)).map(({ path }) => path)).toEqual([]);
  const ofCatalog = own.filter(({ room }) => room === 'engine' || room === 'codec');
  expect(ofCatalog.filter((each) => imports(each).includes('streams/catalog.ts')).map(({ path }) => path)).toEqual([]);
});

test('every room has its row in the table', () => {
  expect([...new Set(sources.map(({ room }) => room))].sort()).toEqual(Object.keys(MAY_IMPORT).sort());
});

/** The places in which each thing may be touched. The lab is outside: it is a world of its own. */
const TOUCHES: ReadonlyArray<{ readonly what: RegExp; readonly name: string; readonly where: RegExp }> = [
  { name: 'the clock', what: /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/, where: /^base\/clock\.ts$/ },
  {
    name: 'timers',
    what: /(?<!\.)\bset(Timeout|Interval|Immediate)\(/,
    where: /^(base\/clock|observe\/page-assets)\.ts$/,
  },
  {
    name: 'chance',
    what: /\bMath\.random\(|\brandomUUID\(|\brandomBytes\(/,
    where: /^(base\/clock|cli\/context)\.ts$/,
  },
  { name: 'the environment', what: /\bprocess\.env\b/, where: /^(config|cli)\// },
  { name: 'the exit', what: /\bprocess\.(exit|exitCode)\b/, where: /^(main\.ts|cli\/)/ },
];

test.each(TOUCHES)('only its own place touches $name', ({ what, where }) => {
  const wrong = sources.filter(({ room, path, code }) => room !== 'lab' && what.test(code) && !where.test(path));
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

/** Where the machine's own day is the right one: real brokers and processes have it. */
const REAL_DAY = /^(kafka|e2e|long|python)\/|^support\/(epoch|scene|kafka|fleet)\.ts$/;

test('no test depends on the day on which it is run: its clocks begin at the epoch of test/support/epoch.ts', () => {
  const own = tests.filter(({ path }) => path !== 'unit/tidy.test.ts');
  const asks = own.filter(({ path, code }) => {
    const aloud = /\bDate\.now\b|\bnew Date\(\)/.test(code);
    return aloud || (!REAL_DAY.test(path) && /\bsystemClock\b/.test(code));
  });
  expect(asks.map(({ path }) => path)).toEqual([]);
  // Left out, a simulator's day is the machine's.
  const simulators = own.flatMap(({ path, code }) =>
    [...code.matchAll(/\bcreateSimulator\(([\s\S]*?)\);/g)].map(([, options]) => ({ path, options })),
  );
  expect(simulators.length).toBeGreaterThan(10);
  expect(simulators.filter(({ options }) => !/\bnow\b/.test(options!)).map(({ path }) => path)).toEqual([]);
});

test('the Kafka clients of the tests themselves are all of the patient kind of test/support/clients.ts', () => {
  const hasty = tests.filter(({ path, code }) => /\bnew Kafka\(/.test(code) && path !== 'support/clients.ts');
  expect(hasty.map(({ path }) => path).filter((path) => path !== 'unit/tidy.test.ts')).toEqual([]);
});

test('no room is imported in a circle', () => {
  const graph = new Map(sources.map((source) => [source.path, imports(source)]));
  const done = new Set<string>();
  const circle = (path: string, trail: readonly string[]): string[] | null => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return null;
    for (const next of graph.get(path) ?? []) {
      const found = circle(next, [...trail, path]);
      if (found) return found;
    }
    done.add(path);
    return null;
  };
  expect([...graph.keys()].map((path) => circle(path, [])).find((found) => found !== null) ?? []).toEqual([]);
});

test('a file holds one noun: at most 400 lines', () => {
  const long = sources.filter(({ code }) => code.split('\n').length > 400);
  expect(long.map(({ path }) => path)).toEqual([]);
});

test('names that benches and scripts take from the built publisher are there', () => {
  const missing: string[] = [];
  for (const folder of ['bench', 'scripts']) {
    for (const file of readdirSync(join(root, folder)).filter((name) => name.endsWith('.mjs'))) {
      const code = readFileSync(join(root, folder, file), 'utf8');
      for (const [, names, path] of code.matchAll(/import \{([^}]*)\} from '\.\.\/dist\/([^']+)\.js'/g)) {
        const source = sources.find((each) => each.path === `${inRooms(path!)}.ts`)?.code ?? '';
        for (const name of names!.split(',').map((each) => each.trim())) {
          const exported = new RegExp(`export (async function|function|const|class)\\s*\\b${name}\\b`);
          const handedOn = source.includes('export *') || new RegExp(`export \\{[^}]*\\b${name}\\b`).test(source);
          if (!exported.test(source) && !handedOn) missing.push(`${folder}/${file}: ${name} of ${path}`);
        }
      }
    }
  }
  expect(missing).toEqual([]);
});
