// Reads a YAML document along the declared schema: replaces `${…}`, finds unknown keys, and remembers where each key
// stands. Whether a value is allowed is not decided here but by the schema itself (load.ts).
import { isAlias, isMap, isNode, isScalar, isSeq, Scalar } from 'yaml';
import { nearest } from './nearest.js';
import { isOptional, note, shapes } from './shape.js';
import { substitute, unreadableBecause } from './substitute.js';
/** The walk follows the schema, so aliases cannot multiply; but each one costs a search of the whole document. */
const ALIASES_MAX = 100;
const overrides = new WeakMap();
/** A scalar that came from the command line. */
export function overrideScalar(text, place) {
    const scalar = new Scalar(text);
    overrides.set(scalar, place);
    return scalar;
}
/** Where a node came from that is not in the file: an override, or a section that one had to make. */
function overrideIn(node) {
    if (isScalar(node))
        return overrides.get(node);
    if (!isMap(node) || node.range)
        return undefined;
    const [pair] = node.items;
    return isNode(pair?.value) ? overrideIn(pair.value) : undefined;
}
export function readDocument(document, root, file, lines, around, problems) {
    const places = new Map();
    const failed = [];
    const emptied = new Map();
    const everyKey = optionPaths(root, '');
    let aliases = 0;
    const placeOf = (node, otherwise) => {
        if (!isNode(node))
            return otherwise;
        const override = overrideIn(node);
        if (override)
            return override;
        if (!node.range)
            return otherwise;
        const { line, col } = lines.linePos(node.range[0]);
        return `${file}:${line}:${col}`;
    };
    const fail = (path, place, message) => {
        failed.push(path);
        problems.push({ place, message: `${dotted(path)} ${message}`.trimStart() });
    };
    const read = (given, type, path, outer) => {
        const place = placeOf(given, outer);
        places.set(dotted(path), place);
        const node = isAlias(given) ? follow(given) : given;
        if (node === undefined)
            return fail(path, place, 'refers to an anchor that does not exist or is used too often');
        const accepted = shapes(type);
        if (isMap(node)) {
            const map = accepted.find((shape) => shape.kind === 'map');
            return map ? readMap(node.items, map, path, place) : fail(path, place, mustBe(accepted, 'a map'));
        }
        if (isSeq(node)) {
            const list = accepted.find((shape) => shape.kind === 'list');
            if (!list)
                return fail(path, place, mustBe(accepted, 'a list'));
            return node.items.map((item, index) => read(item, list.element, [...path, index], place));
        }
        const map = accepted.find((shape) => shape.kind === 'map');
        const scalar = accepted.find((shape) => shape.kind !== 'map' && shape.kind !== 'list');
        if (node === null || isEmpty(node))
            return map && !isOptional(type) ? readMap([], map, path, place) : undefined;
        if (scalar === undefined)
            return fail(path, place, mustBe(accepted, 'a single value'));
        return readScalar(node, type, scalar, path, place);
    };
    const follow = (alias) => {
        aliases += 1;
        return aliases > ALIASES_MAX || !isAlias(alias) ? undefined : alias.resolve(document);
    };
    const readMap = (pairs, map, path, place) => {
        const result = {};
        for (const { key, value } of pairs) {
            // Keys of the file are nodes; those that an override had to make are bare.
            const name = String(isScalar(key) ? key.value : key);
            const type = Object.hasOwn(map.members, name) ? map.members[name] : undefined;
            // An unset value stands where its key stands; an override is the better place when there is one.
            const keyPlace = (value && overrideIn(value)) ?? placeOf(key, place);
            if (type)
                result[name] = read(value, type, [...path, name], keyPlace);
            else
                fail([...path, name], keyPlace, `is not a key${hint(name, map, path)}`);
        }
        for (const [name, type] of Object.entries(map.members)) {
            // A section left out is read as empty, so that what is missing in it is named key by key.
            if (!Object.hasOwn(result, name) && !isOptional(type))
                result[name] = read(null, type, [...path, name], place);
        }
        return result;
    };
    const hint = (name, map, path) => {
        const sibling = nearest(name, Object.keys(map.members));
        const meant = sibling ? dotted([...path, sibling]) : everyKey.find((key) => key.endsWith(`.${name}`));
        if (meant)
            return `; did you mean ${meant}?`;
        const names = Object.keys(map.members);
        return names.length <= 12 ? `; here may stand ${names.join(', ')}` : '';
    };
    const readScalar = (node, type, shape, path, place) => {
        const { secret, from_file, reads_file } = note(type);
        const plain = isPlain(node);
        // The source keeps what YAML would take away: the zeros of 0123, the digits of a long number.
        const source = plain && node.source !== undefined ? node.source : String(node.value);
        const text = substitute(source, Boolean(secret || from_file), around, (problem) => fail(path, place, problem));
        if (text === '' && source !== '')
            emptied.set(path, source);
        if (text === null || (plain && text === ''))
            return undefined;
        if (reads_file) {
            try {
                around.readFile(text);
            }
            catch (thrown) {
                return fail(path, place, `names a file that cannot be read: ${text} (${unreadableBecause(thrown)})`);
            }
        }
        return typed(text, shape.kind);
    };
    const value = read(document.contents, root, [], `${file}:1:1`);
    const place = (path) => {
        for (let length = path.length; length >= 0; length--) {
            const known = places.get(dotted(path.slice(0, length)));
            if (known)
                return known;
        }
        return `${file}:1:1`;
    };
    return { value, failed, emptied, place };
}
/** `harvest.accounts.0.id`: as `--set` takes it. */
export function dotted(path) {
    return path.map(String).join('.');
}
/** A scalar is text until its option says what it is: so `0123` may be a password and `${PORT}` a number. */
function typed(text, kind) {
    if (kind === 'number' && /^[-+]?\d+(\.\d+)?$/.test(text))
        return Number(text);
    if (kind === 'boolean' && /^(true|false)$/i.test(text))
        return text.toLowerCase() === 'true';
    return text;
}
function isPlain(node) {
    return node.type === undefined || node.type === Scalar.PLAIN;
}
function isEmpty(node) {
    return isScalar(node) && (node.value === null || (isPlain(node) && node.value === ''));
}
function mustBe(accepted, found) {
    return `must be ${inWords(accepted)}, found ${found}`;
}
const WORDS = { map: 'a map', list: 'a list', text: 'text', number: 'a number', boolean: 'true or false' };
/** `true or false or a map` */
export function inWords(accepted) {
    return [...new Set(accepted.map((shape) => WORDS[shape.kind]))].join(' or ');
}
function optionPaths(type, path) {
    return shapes(type).flatMap((shape) => shape.kind === 'map'
        ? Object.entries(shape.members).flatMap(([name, member]) => {
            const inner = path === '' ? name : `${path}.${name}`;
            return [inner, ...optionPaths(member, inner)];
        })
        : []);
}
