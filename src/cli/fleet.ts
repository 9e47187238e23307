// `fleet`: which instance runs which account, as the coordinator of the group knows it; `move` and `take`: what people ask of that.
import { isoSeconds } from '../base/clock.ts';
import { EXIT, PublisherError } from '../base/errors.ts';
import { type DescribedMember, describeGroup } from '../cluster/describe.ts';
import { nearest } from '../config/nearest.ts';
import type { Config } from '../config/options.ts';
import { sendSignals } from '../kafka/send-signals.ts';
import type { AccountSignal } from '../kafka/signals.ts';
import { kafkaSettings, prefixOf } from '../settings.ts';
import { configOf } from './configuration.ts';
import { type CommonOptions, clock, interruption, print, uuid } from './context.ts';
import { accountNamed } from './names.ts';
import { printJson, table } from './output.ts';

export async function fleet(options: CommonOptions): Promise<number> {
  const config = configOf(options);
  const { group_id: group } = config.cluster;
  const { signal, exitCode } = interruption();
  const members = await describeGroup(kafkaSettings(config), group, { clock, log: () => {}, signal });
  const view = viewOf(config, members);
  if (options.json) printJson({ group, ...view });
  else if (members.length === 0) print(`No instance is in group ${group}. They join it with cluster.enabled: true.`);
  else {
    print(table(view.members, ['member', 'zone', 'accounts', 'version', 'url', 'host']));
    print(`\n${table(view.accounts, ['account', 'owner', 'note'])}`);
  }
  return exitCode() ?? (members.length === 0 ? EXIT.unavailable : EXIT.clean);
}

interface MoveOptions extends CommonOptions {
  readonly to: string;
}

/** Has an account run on another member. Throws `usage` when there is none of that name. */
export async function move(options: MoveOptions, id: string): Promise<number> {
  const config = configOf(options);
  const { signal } = interruption();
  const members = await describeGroup(kafkaSettings(config), config.cluster.group_id, { clock, log: () => {}, signal });
  const names = members.flatMap(({ assignment, metadata }) => (metadata?.leaving ? [] : (assignment?.name ?? [])));
  if (!names.includes(options.to)) {
    const meant = nearest(options.to, names);
    const message = `no member of group ${config.cluster.group_id} is named ${options.to}${meant ? `; did you mean ${meant}?` : ''}`;
    const remedy = `The members are ${names.join(', ') || 'none'}: see harvest-kafka fleet.`;
    throw new PublisherError('usage', message, { remedy });
  }
  return ask(config, options, id, { kind: 'move', to: options.to });
}

/** Has an account taken back from whoever runs it outside of the group. */
export function take(options: CommonOptions, id: string): Promise<number> {
  return ask(configOf(options), options, id, { kind: 'take', to: null });
}

async function ask(
  config: Config,
  options: CommonOptions,
  id: string,
  wanted: Pick<AccountSignal, 'kind' | 'to'>,
): Promise<number> {
  const account = accountNamed(config, id);
  const where = { prefix: prefixOf(config, account), accountId: account.id };
  const signal: AccountSignal = { id: uuid(), at: isoSeconds(clock.now()), ...wanted };
  await sendSignals(kafkaSettings(config), where, [signal]);
  if (options.json) printJson({ account_id: account.id, signal });
  else
    print(`Left as signal ${signal.id}; its owner looks every few seconds. harvest-kafka fleet shows what came of it.`);
  return EXIT.clean;
}

/** Accounts of the group and of our own configuration, with what is to be said of each. */
function viewOf(config: Config, members: readonly DescribedMember[]) {
  const told = members.flatMap(({ assignment }) => assignment ?? []);
  const newest = told.reduce((a, b) => (b.term > a.term ? b : a), told[0]!);
  const shown = members.map(({ memberId, host, metadata, assignment }) => {
    const { zone = '', version = '', url = '' } = metadata ?? {};
    const name = assignment?.name ?? metadata?.name ?? memberId;
    const note = metadata?.leaving ? 'leaving' : '';
    return { member: name, zone, version, url, host, note, accounts: assignment?.accounts.length ?? 0 };
  });
  const owners = new Map(newest?.fleet.flatMap(({ name, accounts }) => accounts.map((id) => [id, name] as const)));
  const why = new Map(newest?.unassigned.map((each) => [each.account, each.why]));
  const ours = new Set(config.harvest.accounts.map(({ id }) => id));
  const accounts = [...new Set([...owners.keys(), ...why.keys(), ...ours])].sort().map((account) => {
    const owner = owners.get(account) ?? null;
    const isUnknown = owner === null && !why.has(account);
    const note = isUnknown
      ? 'no member has it'
      : (why.get(account) ?? (ours.has(account) ? '' : 'not in this configuration'));
    return { account, owner, note };
  });
  return { term: newest?.term ?? 0, leader: newest?.leader ?? null, members: shown, accounts };
}
