// The keys of `cluster`: how instances share the accounts.
import { z } from 'zod';
import { option, seconds, text, whole } from './values.ts';

export const cluster = option(
  z
    .strictObject({
      enabled: option(
        z.boolean().default(false),
        'Whether this instance shares the accounts with others of the same group_id: each account runs on one of them, and on another when that one is gone.',
      ),
      group_id: option(
        text().default('harvest-kafka'),
        'The Kafka group of the instances; one for each topics.prefix, and nothing else may use it.',
      ),
      name: option(
        z.string().max(200).default(''),
        'What people call this instance; the name of the host when empty. Equal names are told apart by a number.',
      ),
      url: option(z.string().max(500).default(''), 'Where the others reach its status page; shown, never asked.'),
      zone: option(
        z.string().max(200).default(''),
        'Where it runs: of two instances that have equally much to do, an account goes to another zone than that of the one it left.',
      ),
      session_timeout_seconds: option(
        whole(6, 1_800).default(10),
        'An instance that is silent for so long is replaced. Brokers allow 6 to 1800 by default.',
        { unit: 'seconds' },
      ),
      heartbeat_interval_ms: option(whole(100, 60_000).default(500), 'How often an instance says that it is there.', {
        unit: 'milliseconds',
      }),
      opens_at_once: option(whole(1, 1_000).default(4), 'Accounts that an instance opens at the same time.', {
        unit: 'accounts',
      }),
      moves_at_once: option(
        whole(1, 1_000).default(5),
        'Accounts that move at the same time only to even the load of the instances.',
        { unit: 'accounts' },
      ),
      balance_after_seconds: option(
        seconds(0).default(30),
        'How long no instance must have come or gone before accounts move to even the load.',
        { unit: 'seconds' },
      ),
      hand_over_seconds: option(
        seconds(0).default(5),
        'How long an account that moves is waited for until the instance before has closed it.',
        { unit: 'seconds' },
      ),
      stall_seconds: option(
        seconds(1).default(20),
        'An instance whose main loop stands still for so long gives its accounts to the others.',
        { unit: 'seconds' },
      ),
      shared_token_files: option(
        z.boolean().default(false),
        'Whether all instances see the same files under harvest.accounts[].oauth.token_file; without that, accounts with such a file cannot move.',
      ),
    })
    .refine(
      ({ session_timeout_seconds, heartbeat_interval_ms }) =>
        heartbeat_interval_ms * 3 <= session_timeout_seconds * 1000,
      {
        error: 'needs at least three heartbeats in session_timeout_seconds',
      },
    )
    .prefault({}),
  'Several instances that share the accounts, and replace each other.',
);
