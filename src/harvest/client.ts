// The Source that reads Harvest: which address a request means and what its answer must look like; caller.ts gets it
// answered. Knows nothing of cursors or of what records mean; the engine decides what to ask.
import { assert, PublisherError } from '../base/errors.ts';
import type { Proxies } from '../base/proxies.ts';
import type { Secret } from '../base/secret.ts';
import { type JsonObject, type Page, type PageRequest, PER_PAGE, PRIORITY, type Source } from '../engine/ports.ts';
import type { BudgetName, StreamDefinition } from '../streams/definition.ts';
import {
  type Auth,
  ConfiguredAuth,
  type OAuthCredential,
  OAuthGrant,
  type OAuthOptions,
  personalToken,
} from './auth.ts';
import { Budget } from './budget.ts';
import { type Answered, type Call, Caller, type CallerOptions } from './caller.ts';
import { Connections } from './connections.ts';
import { answeredUpTo, type RequestPlace, unparsable } from './failures.ts';
import { apiBase, type Bases, below, followable, idBase, pageAddress, sameRequest } from './links.ts';
import { envelopeOf } from './pages.ts';
import { fileTokenStore, memoryTokenStore, type TokenStore } from './token-store.ts';
import { openTransport, TIMEOUTS, type Timeouts, type Transport } from './transport.ts';

export type Credential = { readonly accessToken: Secret } | { readonly oauth: OAuthCredential };

export interface BudgetLimit {
  readonly requests: number;
  readonly perSeconds: number;
}

export interface SourceOptions extends Omit<CallerOptions, 'transport' | 'auth' | 'limitMs'> {
  readonly baseUrl?: string;
  /** Where links of answers say that the API is, when `baseUrl` is a gateway; Harvest's own address when left out. */
  readonly publicUrl?: string;
  readonly idBaseUrl?: string;
  readonly credential: Credential;
  /** The credential as it is configured now, asked for when Harvest refuses the one in use; null when that cannot be told. */
  readonly reread?: () => Credential | null;
  readonly budgets: Readonly<Record<BudgetName, BudgetLimit>>;
  /**
   * Told when a budget wants a row stored soon; may be called often. Given: no request starts before `restore` and the
   * first `stored` of its budget (see budget.ts). Left out: nobody stores rows, and the budgets are open at once.
   */
  readonly onLeaseLow?: (name: BudgetName) => void;
  /** Takes excluded and hashed fields out of a record before anything else sees it. */
  readonly mask?: (stream: StreamDefinition, record: JsonObject) => JsonObject;
  /** Records in a page; as many as Harvest gives when left out. */
  readonly pageRows?: number;
  /** Requests at a time, over both budgets. */
  readonly connections?: number;
  /** Certificate authorities in PEM, instead of the system's. */
  readonly ca?: string;
  readonly proxies?: Proxies;
  readonly timeouts?: Partial<Timeouts>;
  readonly tokenStore?: TokenStore;
  /** Instead of sockets: the in-process simulator. Must reject when its signal aborts. */
  readonly transport?: Transport;
}

/**
 * A Source, and what `check` asks besides. All of them reject with the reason of `signal` when that aborts. `close`
 * comes after that: it expects no request to be waiting.
 */
export interface HarvestSource extends Source {
  /** `whoAmI` of an account of which nothing was ever stored, before `restore`; nothing else may be asked meanwhile. */
  introduce(signal: AbortSignal): Promise<JsonObject>;
  /** The accounts that the token opens (HARVEST-API, Authentication), Forecast ones included. */
  accounts(signal: AbortSignal): Promise<readonly JsonObject[]>;
}

const HARVEST_URL = 'https://api.harvestapp.com/v2';

/** Throws `config.invalid` when the options cannot make a request. */
export function createSource(options: SourceOptions): HarvestSource {
  return new Client(options);
}

class Client implements HarvestSource {
  readonly pageRows: number;
  readonly #bases: Bases;
  readonly #idBase: URL;
  readonly #closeTransport: () => Promise<void>;
  readonly #auth: Auth;
  readonly #caller: Caller;
  readonly #budgets: Readonly<Record<BudgetName, Budget>>;
  readonly #mask: NonNullable<SourceOptions['mask']>;

  constructor(options: SourceOptions) {
    this.pageRows = options.pageRows ?? PER_PAGE;
    this.#mask = options.mask ?? ((_, record) => record);
    this.#bases = {
      base: apiBase(options.baseUrl ?? HARVEST_URL),
      publicBase: apiBase(options.publicUrl ?? HARVEST_URL, 'harvest.public_url'),
    };
    this.#idBase = idBase(options.idBaseUrl ?? 'https://id.getharvest.com');
    mustFitHeader('harvest.user_agent', options.userAgent);
    const { clock, credential, reread = () => null } = options;
    const timeouts = { ...TIMEOUTS, ...options.timeouts };
    const places = options.connections ?? 6;
    const { transport, close } = options.transport
      ? { transport: options.transport, close: async () => {} }
      : openTransport({ connections: places, timeouts, ca: options.ca, proxies: options.proxies });
    this.#closeTransport = close;
    const grantParts = { ...options, idBase: this.#idBase, transport, limitMs: timeouts.refreshMs };
    this.#auth = new ConfiguredAuth(credential, (present) => authFor(present, grantParts), reread);
    this.#caller = new Caller({ ...options, transport, auth: this.#auth, limitMs: timeouts.totalMs });

    const connections = new Connections(places);
    const budget = (name: BudgetName) => {
      const { requests, perSeconds } = options.budgets[name];
      const onLeaseLow = options.onLeaseLow ?? null;
      return new Budget({ name, requests, windowMs: perSeconds * 1000, clock, connections, onLeaseLow });
    };
    // Reports first: they are few, and a busy general budget would leave them no connection.
    const reports = budget('reports');
    this.#budgets = { reports, general: budget('general') };
  }

  get budgets(): readonly Budget[] {
    return [this.#budgets.general, this.#budgets.reports];
  }

  async fetchPage(request: PageRequest, signal: AbortSignal): Promise<Page> {
    const { stream, purpose, priority } = request;
    const url = pageAddress(this.#bases, request, this.pageRows);
    const read: Call<Page>['read'] = (body, answer, place) => this.#page(request, url, body, answer, place);
    return this.#caller.call({ ...this.#of(stream), url, purpose, priority, read }, signal);
  }

  async fetchRecord(
    stream: StreamDefinition,
    { id, parent }: { readonly id: number; readonly parent: number | null },
    signal: AbortSignal,
  ): Promise<JsonObject | null> {
    const { single } = stream;
    assert(single !== null, `${stream.name} answers for one record`);
    assert(parent !== null || !single.includes('{parent}'), `a record of ${stream.name} is asked below its parent`);
    const url = below(this.#bases.base, single.replace('{id}', String(id)).replace('{parent}', String(parent)));
    const read: Call<JsonObject | null>['read'] = (body, _, place) => {
      if (body.id !== id) throw unparsable(place, `the record is not the one with id ${id}`);
      return this.#mask(stream, body);
    };
    const confirmation = { purpose: 'confirm', priority: PRIORITY.dirty, absent: () => null } as const;
    return this.#caller.call({ ...this.#of(stream), ...confirmation, url, read }, signal);
  }

  whoAmI(signal: AbortSignal): Promise<JsonObject> {
    return this.#caller.call(this.#me(), signal);
  }

  introduce(signal: AbortSignal): Promise<JsonObject> {
    return this.#caller.call({ ...this.#me(), isIntroduction: true }, signal);
  }

  accounts(signal: AbortSignal): Promise<readonly JsonObject[]> {
    const url = below(this.#idBase, '/api/v2/accounts');
    const read: Call<JsonObject[]>['read'] = (body, _, place) => envelopeOf(body, 'accounts', place).records;
    return this.#caller.call(this.#probe('accounts', url, read), signal);
  }

  get accepted(): boolean {
    return this.#caller.accepted;
  }

  takeReplaced({ name }: StreamDefinition): boolean {
    return this.#caller.takeReplaced(name);
  }

  async close(): Promise<void> {
    for (const budget of this.budgets) budget.close();
    await this.#auth.close();
    await this.#closeTransport();
  }

  #of(stream: StreamDefinition): Pick<Call<unknown>, 'stream' | 'label' | 'budget'> {
    return { stream, label: stream.name, budget: this.#budgets[stream.budget] };
  }

  #me(): Call<JsonObject> {
    return this.#probe('me', below(this.#bases.base, '/users/me'), (body) => body);
  }

  #probe<T>(label: string, url: URL, read: Call<T>['read']): Call<T> {
    const budget = this.#budgets.general;
    return { url, stream: null, label, purpose: 'probe', priority: PRIORITY.probe, budget, read };
  }

  #page({ stream, alone }: PageRequest, asked: URL, body: JsonObject, answer: Answered, place: RequestPlace): Page {
    const serverTime = answeredUpTo(answer, answer.sentAt);
    if (stream.rows === null)
      return { records: [this.#mask(stream, body)], next: null, totalEntries: null, serverTime };
    const { records: sent, next, totalEntries } = envelopeOf(body, stream.rows, place);
    const records = sent.map((record) => this.#mask(stream, record));
    if (next === null || alone) return { records, next: null, totalEntries, serverTime };
    const link = followable(this.#bases, next, asked, stream);
    if (sameRequest(link, asked)) throw unparsable(place, 'links.next leads back to the page itself');
    return { records, next: link.href, totalEntries, serverTime };
  }
}

type GrantParts = Omit<OAuthOptions, keyof OAuthCredential | 'store'> & Pick<SourceOptions, 'tokenStore'>;

function authFor(credential: Credential, { tokenStore, ...parts }: GrantParts): Auth {
  if ('accessToken' in credential) {
    mustFitHeader('access_token', credential.accessToken.reveal());
    return personalToken(credential.accessToken);
  }
  const { tokenFile, ...grant } = credential.oauth;
  const store = tokenStore ?? (tokenFile === null ? memoryTokenStore() : fileTokenStore(tokenFile));
  return new OAuthGrant({ ...grant, ...parts, store });
}

/** A token read from a file often ends with a line break; without this the failure would look like the network's. */
function mustFitHeader(key: string, value: string): void {
  if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value)) return;
  const wrong = `${key} is empty or holds a line break, an outer blank or a letter beyond ASCII`;
  throw new PublisherError('config.invalid', wrong);
}
