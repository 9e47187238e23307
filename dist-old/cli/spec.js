// `spec`: the JSON Schema of the configuration, for editors.
import { EXIT } from '../base/errors.js';
import { renderJsonSchema } from '../config/reference.js';
import { print } from './context.js';
export async function spec() {
    print(renderJsonSchema());
    return EXIT.clean;
}
