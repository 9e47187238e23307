// `spec`: the JSON Schema of the configuration, for editors.
import { EXIT } from '../base/errors.ts';
import { renderJsonSchema } from '../config/declared.ts';
import { print } from './context.ts';

export async function spec(): Promise<number> {
  print(renderJsonSchema());
  return EXIT.clean;
}
