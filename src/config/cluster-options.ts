// The keys of `cluster`: how instances share the accounts.
import { z } from 'zod';
import { seconds, section, text, whole } from './values.ts';

const accounts = () => whole(1, 1_000).meta({ unit: 'accounts' });
const words = (most: number) => z.string().max(most).default('');

export const cluster = section('Several instances that share the accounts, and replace each other.', {
  enabled: z
    .boolean()
    .default(false)
    .describe(
      'Whether this instance shares the accounts with others of the same group_id: each account runs on one of them, and on another when that one is gone.',
    ),
  group_id: text()
    .default('harvest-kafka')
    .describe('The Kafka group of the instances; one for each topics.prefix, and nothing else may use it.'),
  name: words(200).describe(
    'What people call this instance; the name of the host when empty. Equal names are told apart by a number.',
  ),
  url: words(500).describe('Where the others reach its status page; shown, never asked.'),
  zone: words(200).describe(
    'Where it runs: of two instances that have equally much to do, an account goes to another zone than that of the one it left.',
  ),
  session_timeout_seconds: whole(6, 1_800)
    .default(10)
    .meta({ unit: 'seconds' })
    .describe('An instance that is silent for so long is replaced. Brokers allow 6 to 1800 by default.'),
  heartbeat_interval_ms: whole(100, 60_000)
    .default(500)
    .meta({ unit: 'milliseconds' })
    .describe('How often an instance says that it is there.'),
  opens_at_once: accounts()
    .default(4)
    .describe('Accounts that an instance opens at the same time, in a group or by itself.'),
  moves_at_once: accounts()
    .default(5)
    .describe('Accounts that move at the same time only to even the load of the instances.'),
  balance_after_seconds: seconds(0)
    .default(30)
    .describe('How long no instance must have come or gone before accounts move to even the load.'),
  hand_over_seconds: seconds(0)
    .default(5)
    .describe('How long an account that moves is waited for until the instance before has closed it.'),
  stall_seconds: seconds(1)
    .default(20)
    .describe('An instance whose main loop stands still for so long gives its accounts to the others.'),
  shared_token_files: z
    .boolean()
    .default(false)
    .describe(
      'Whether all instances see the same files under harvest.accounts[].oauth.token_file; without that, accounts with such a file cannot move.',
    ),
}).refine(({ session_timeout_seconds: session, heartbeat_interval_ms: beat }) => beat * 3 <= session * 1000, {
  error: 'needs at least three heartbeats in session_timeout_seconds',
});
