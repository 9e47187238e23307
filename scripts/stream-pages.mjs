// docs/generated/streams: a page for every stream, from its catalog row, its schema and its recorded sample. The program is
// given to it, so that the tests can hand it the sources and `npm run docs` what was built.
import { readFileSync } from 'node:fs';

const ACCOUNT_ID = 1234567;
const WINDOW = { from: '2024-11-01', to: '2024-11-30' };

const read = (path) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

/** Pages by path. Takes `catalog`, `schemas` (of values, by stream) and `createCodec` of the program. */
export async function renderStreamPages({ catalog, schemas, createCodec }) {
  const codec = createCodec({
    ...{ streams: catalog, schemas, decimalHandling: 'precise', keyFormat: 'avro', runningTimers: 'on_change' },
    ids: new Map(catalog.map(({ name }) => [name, { key: 1, value: 2 }])),
    writerSchema: async () => null,
  });
  const pages = { 'docs/generated/streams/README.md': indexOf(catalog, schemas) };
  for (const stream of catalog) {
    const value = await exampleOf(stream, codec);
    pages[`docs/generated/streams/${stream.name}.md`] = pageOf(stream, catalog, schemas.get(stream.name), value);
  }
  return pages;
}

/** The recorded answer as the value of its message, which the codec wrote and read back. */
function exampleOf(stream, codec) {
  const { record, parent } = JSON.parse(read(`test/samples/${stream.name}.json`));
  const context = {
    accountId: ACCOUNT_ID,
    ...(parent !== undefined && { parentId: parent }),
    ...(stream.kind === 'report' && { window: WINDOW }),
    ...(stream.kind === 'derived' && { position: 0 }),
  };
  return codec.decode(stream, codec.encode(stream, record, context).value);
}

/** The default of an interval of a stream, as the schema of the configuration has it. */
function intervalOf(stream, name) {
  const { properties } = JSON.parse(read('docs/generated/config.schema.json'));
  return properties.streams.properties[stream].properties[`${name}_interval_seconds`].default;
}

const KINDS = {
  list: ['Lists', 'have `updated_since`: polled for what changed'],
  whole: ['Read whole', 'no `updated_since`: everything is read each time'],
  child: ['Children', 'one list for each parent record'],
  report: ['Reports', 'one list for each calendar window'],
  derived: ['Derived', 'read out of the records of another stream, without a request of their own'],
};

function indexOf(catalog, schemas) {
  const kinds = Object.entries(KINDS).filter(([kind]) => catalog.some((stream) => stream.kind === kind));
  return lines(
    '# The streams, one by one',
    '',
    'Generated from catalog, schemas and recorded samples (`npm run docs`); do not edit. How streams are found, deleted and compared',
    'stands in [how soon, and what it costs](../../operating/freshness.md); what is odd about each at Harvest in',
    '[HARVEST-STREAMS](../../HARVEST-STREAMS.md).',
    ...kinds.flatMap(([kind, [title, meaning]]) => [
      ...[
        '',
        `## ${title}`,
        '',
        `${sentence(meaning)}.`,
        '',
        '| stream | key | module | a record is |',
        '|---|---|---|---|',
      ],
      ...catalog
        .filter((stream) => stream.kind === kind)
        .map(({ name, key, feature }) => {
          const keyed = key.map((field) => code(field.name)).join(' ');
          return row(`[${name}](${name}.md)`, keyed, moduleOf(feature), schemas.get(name).doc ?? '');
        }),
    ]),
  );
}

function pageOf(stream, catalog, schema, value) {
  const key = Object.fromEntries(stream.key.map(({ name }) => [name, value[name]]));
  return lines(
    `# ${stream.name}`,
    '',
    'Generated from catalog, schema and recorded sample (`npm run docs`); do not edit. [All streams](README.md)',
    '',
    ...(schema.doc ? [schema.doc, ''] : []),
    ...table(['', ''], identity(stream, catalog)),
    '',
    '## How soon',
    '',
    ...table(['what', 'how it is found', 'interval'], ways(stream)),
    '',
    ...(stream.kind === 'derived'
      ? ['More: [derived streams](../../operating/derived-streams.md).']
      : [
          `Intervals are seconds, the defaults of ${code(`streams.${stream.name}`)}; a budget that does not reach stretches them.`,
        ]),
    ...(stream.kind === 'report'
      ? ['Which window is read when: [reports](../../operating/freshness.md#reports).']
      : []),
    '',
    '## Fields',
    '',
    ...table(['field', 'Avro type', 'meaning'], fieldsOf(schema)),
    '',
    `Every field but the key's is nullable, because Harvest may leave it out. What the schema does not know travels in ${code('_extra')}.`,
    '',
    '## Example',
    '',
    'A recorded answer of Harvest, as key and value of its message (decimals and times as text):',
    '',
    '```json',
    JSON.stringify(key),
    JSON.stringify(value, null, 2),
    '```',
  );
}

/** What stands in the table at the top. */
function identity(stream, catalog) {
  const { name, key, parent, belongsTo, feature, permission } = stream;
  const owner = parent?.stream ?? belongsTo?.stream ?? null;
  const named = (rows) => rows.map((other) => `[${other}](${other}.md)`).join(', ');
  const below = catalog.filter((other) => (other.parent?.stream ?? other.belongsTo?.stream) === name);
  const shownIn = catalog.filter((other) => other.sources.includes(name));
  const restates = catalog.filter((other) => name in (other.restatedBy ?? {}));
  return [
    ['topic', `${code(`harvest.${name}`)} (with the default prefix)`],
    ['key', key.map((field) => `${code(field.name)} ${field.type}`).join(', ')],
    ['source', sourceOf(stream)],
    ['permission', permission],
    ...(feature ? [['module', `${moduleOf(feature)}: FEATURE_OFF while it is off`]] : []),
    ...(owner ? [['deleted with', named([owner])]] : []),
    ...(below.length > 0 ? [['takes along when deleted', named(below.map((other) => other.name))]] : []),
    ...(stream.sources.length > 0 ? [['made of', named(stream.sources)]] : []),
    ...(shownIn.length > 0 ? [['summed up in', named(shownIn.map((other) => other.name))]] : []),
    ...(restates.length > 0 ? [['restates when changed', named(restates.map((other) => other.name))]] : []),
  ];
}

function sourceOf({ kind, path, paging, budget, rows, parent }) {
  return kind === 'derived'
    ? `${code(rows)} of each record of [${parent.stream}](${parent.stream}.md); off unless ${code('enabled')} is set`
    : `${code(`GET ${path}`)}${PAGING[paging]}, from the ${budget} budget`;
}

const PAGING = { cursor: ', pages by cursor', page: ', pages by number', none: '' };

/** How changes, deletions and silent drift are found, and how soon. */
function ways(stream) {
  if (stream.kind === 'derived')
    return [['changes and deletions', `in the transaction of the record of ${code(stream.parent.stream)}`, 'with it']];
  const [poll, count, reconcile] = ['poll', 'count', 'reconcile'].map((name) => intervalOf(stream.name, name));
  switch (stream.kind) {
    case 'list':
      return [
        ['changed and new records', `poll by ${code('updated_since')}`, poll],
        [
          'deletions',
          `count check, then the missing ones ${stream.single ? `by ${code(`GET ${stream.single}`)}` : 'by a whole reading'}`,
          count,
        ],
        ['what moves no `updated_at`', 'reconciliation, in the slack of the budget', reconcile],
      ];
    case 'whole':
      return [['changes and deletions', 'everything is read and compared', poll]];
    case 'child':
      return [
        ['changes with the parent', `read with each changed record of ${code(stream.parent.stream)}`, 'at once'],
        ['changes and deletions that move no parent', 'slow scan over all parents, in the slack of the budget', poll],
      ];
    case 'report':
      return [
        ['changes in the current window', 'it is read again', poll],
        [
          'changes in other windows',
          `a changed record of ${stream.sources.map(code).join(' or ')} marks its window`,
          'after five minutes at the earliest',
        ],
        ['what no change tells', 'a round over all windows, in the slack of the budget', reconcile],
      ];
  }
}

function fieldsOf(schema, prefix = '') {
  return schema.fields.flatMap(({ name, type, doc }) => {
    const inner = Array.isArray(type) ? type.find((branch) => branch !== 'null') : type;
    const path = `${prefix}${name}`;
    return [[code(path), typeName(inner), doc ?? ''], ...membersOf(inner, path)];
  });
}

function membersOf(type, path) {
  if (type.type === 'record') return fieldsOf(type, `${path}.`);
  return type.type === 'array' ? membersOf(type.items, `${path}[]`) : [];
}

function typeName(type) {
  if (typeof type === 'string') return type;
  if (type.type === 'array') return `array of ${typeName(type.items)}`;
  return type.logicalType === 'decimal' ? `decimal(${type.precision},${type.scale})` : (type.logicalType ?? type.type);
}

function moduleOf(feature) {
  return feature === null || feature === undefined ? '' : code(feature);
}

function code(text) {
  return `\`${text}\``;
}

function row(...cells) {
  return `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
}

function table(head, rows) {
  return [row(...head), `|${'---|'.repeat(head.length)}`, ...rows.map((cells) => row(...cells))];
}

function sentence(text) {
  return text[0].toUpperCase() + text.slice(1);
}

function lines(...all) {
  return `${all.join('\n')}\n`;
}
