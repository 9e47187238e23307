// A schema registry in the test's own process: real HTTP, the answers of Confluent's API, and failures at will.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RegistryStub {
  readonly url: string;
  /** Requests as `POST /subjects/a-value/versions`, in order. */
  readonly requests: string[];
  /** Values of the authorization header, in order. */
  readonly authorizations: (string | undefined)[];
  /** Most requests that were open at the same time. */
  readonly mostAtOnce: () => number;
  /** Requests that are not answered yet. */
  readonly open: () => number;
  /** Schemas by subject. */
  readonly subjects: Map<string, string[]>;
  /** Answers the request in place of the registry; `hang` never answers, undefined lets it through. */
  interfere: (request: string) => Interference | 'hang' | undefined;
  /** Deletes the subject as registries do at first: it is still there for who asks for deleted ones. */
  remove(subject: string): void;
  /** The first id; 1 when left out. */
  firstId: number;
  close(): Promise<void>;
}

export interface Interference {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

type StubAnswer = Omit<Interference, 'body'> & { readonly body: unknown };

export async function startRegistryStub(): Promise<RegistryStub> {
  const ids: string[] = [];
  const requests: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const subjects = new Map<string, string[]>();
  const removed = new Map<string, string[]>();
  let open = 0;
  let most = 0;
  const idOf = (schema: string) => ids.indexOf(schema) + stub.firstId;

  function answer(request: string, body: string): { status: number; body: unknown } {
    const schema: string = body === '' ? '' : JSON.parse(body).schema;
    const [, method, path, query] = /^(\w+) ([^?]+)(.*)/.exec(request)!;
    const subject = decodeURIComponent(/\/subjects\/([^/]+)/.exec(path!)?.[1] ?? '');
    const held = subjects.get(subject) ?? (query === '?deleted=true' ? removed.get(subject) : undefined) ?? [];
    const [, id, rest] = /^\/schemas\/ids\/(\d+)(.*)$/.exec(path!) ?? [];
    if (id !== undefined) {
      const found = ids[Number(id) - stub.firstId];
      if (found === undefined) return problem(404, 40403);
      if (rest !== '/versions') return { status: 200, body: { schema: found } };
      const holders = [...subjects].filter(([, schemas]) => schemas.includes(found));
      return {
        status: 200,
        body: holders.map(([name, schemas]) => ({ subject: name, version: schemas.indexOf(found) + 1 })),
      };
    }
    if (path!.startsWith('/compatibility/')) {
      if (held.length === 0) return problem(404, 40401);
      const fits = sameFields(held.at(-1)!, schema);
      return {
        status: 200,
        body: { is_compatible: fits, messages: fits ? [] : ['READER_FIELD_MISSING_DEFAULT_VALUE'] },
      };
    }
    if (method === 'GET') {
      if (held.length === 0) return problem(404, 40401);
      const newest = held.at(-1)!;
      return { status: 200, body: { subject, id: idOf(newest), version: held.length, schema: newest } };
    }
    if (path!.endsWith('/versions')) {
      if (held.length > 0 && !sameFields(held.at(-1)!, schema)) return problem(409, 409);
      if (!held.includes(schema)) subjects.set(subject, [...held, schema]);
      if (!ids.includes(schema)) ids.push(schema);
      return { status: 200, body: { id: idOf(schema) } };
    }
    if (!held.includes(schema)) return problem(404, held.length === 0 ? 40401 : 40403);
    return { status: 200, body: { subject, id: idOf(schema), version: held.indexOf(schema) + 1, schema } };
  }

  const server = createServer(async (incoming: IncomingMessage, response: ServerResponse) => {
    most = Math.max(most, ++open);
    response.on('close', () => open--);
    const request = `${incoming.method} ${incoming.url}`;
    requests.push(request);
    authorizations.push(incoming.headers.authorization);
    let body = '';
    for await (const chunk of incoming) body += chunk;
    const interference = stub.interfere(request);
    if (interference === 'hang') return;
    const { status, body: said, headers = {} }: StubAnswer = interference ?? answer(request, body);
    response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json', ...headers });
    response.end(typeof said === 'string' ? said : JSON.stringify(said));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const stub: RegistryStub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    authorizations,
    mostAtOnce: () => most,
    open: () => open,
    subjects,
    interfere: () => undefined,
    remove: (subject) => {
      removed.set(subject, subjects.get(subject)!);
      subjects.delete(subject);
    },
    firstId: 1,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return stub;
}

function problem(status: number, code: number): { status: number; body: unknown } {
  return { status, body: { error_code: code, message: `said ${code}` } };
}

/** The stub's idea of compatibility: no field came, went or changed its type. */
function sameFields(one: string, other: string): boolean {
  const fields = (schema: string) =>
    JSON.stringify(JSON.parse(schema).fields.map(({ name, type }: { name: string; type: unknown }) => [name, type]));
  return fields(one) === fields(other);
}
