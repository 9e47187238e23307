/** The shapes a schema accepts: one, or the members of a union. */
export function shapes(type) {
    const definition = bare(type);
    switch (definition.type) {
        case 'object':
            return [{ kind: 'map', members: definition.shape }];
        case 'array':
            return [{ kind: 'list', element: definition.element }];
        case 'union':
            return definition.options.flatMap(shapes);
        case 'number':
        case 'boolean':
            return [{ kind: definition.type, choices: [] }];
        default:
            return [{ kind: 'text', choices: Object.values(definition.entries ?? {}) }];
    }
}
export function note(type) {
    return (type.meta() ?? { description: '' });
}
/** The default as one would write it in the file; undefined when there is none. */
export function defaultOf(type) {
    return definitionOf(type).defaultValue;
}
/** Whether the key may be left out. */
export function isOptional(type) {
    return type.isOptional();
}
function definitionOf(type) {
    return type.def;
}
/** The definition below defaults, optionality and transformations: what the file holds, not what the program gets. */
function bare(type) {
    const definition = definitionOf(type);
    const inner = definition.innerType ?? (definition.type === 'pipe' ? definition.in : undefined);
    return inner === undefined ? definition : bare(inner);
}
