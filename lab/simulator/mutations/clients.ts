// Clients, contacts, people, roles, rates, the company.
import { addDays } from '../calendar.ts';
import { COMPANY_NAMES, FIRST_NAMES, LAST_NAMES } from '../dataset/words.ts';
import { anyOf, type Change, freshOf, told } from './change.ts';

export const CLIENT_CHANGES: readonly Change[] = [
  [
    'clients.create',
    2,
    (account, dice) => {
      const name = `${dice.pick(COMPANY_NAMES)} ${account.clients.size + dice.below(100_000)}`;
      return told('create', 'clients', account.clients.create({ name }), `new client ${name}`);
    },
  ],
  [
    'clients.rename',
    2,
    (account, dice) => {
      const client = anyOf(account.clients, dice);
      if (!client) return null;
      const name = `${dice.pick(COMPANY_NAMES)} & Partners ${dice.below(100_000)}`;
      return told('edit', 'clients', account.clients.update(client.id, { name }), `renamed to ${name}`);
    },
  ],
  [
    'clients.archive',
    1,
    (account, dice) => {
      const client = anyOf(account.clients, dice);
      if (!client) return null;
      account.clients.update(client.id, { is_active: !client.is_active });
      return told('edit', 'clients', client, client.is_active ? 'restored' : 'archived');
    },
  ],
  [
    'clients.currency',
    0.3,
    (account, dice) => {
      const client = anyOf(account.clients, dice);
      if (!client) return null;
      account.clients.update(client.id, { currency: dice.pick(['USD', 'EUR', 'GBP']) });
      return told('edit', 'clients', client, `currency is now ${client.currency}`);
    },
  ],
  [
    'clients.delete',
    2,
    (account, dice) => {
      const client = freshOf(account.clients, dice);
      return client ? told('delete', 'clients', account.clients.delete(client.id), 'deleted with its contacts') : null;
    },
  ],
  [
    'contacts.create',
    3,
    (account, dice) => {
      const client = anyOf(account.clients, dice);
      if (!client) return null;
      const names = { first_name: dice.pick(FIRST_NAMES), last_name: dice.pick(LAST_NAMES) };
      return told('create', 'contacts', account.contacts.create({ client_id: client.id, ...names }), 'new contact');
    },
  ],
  [
    'contacts.edit',
    2,
    (account, dice) => {
      const contact = anyOf(account.contacts, dice);
      if (!contact) return null;
      account.contacts.update(contact.id, { title: dice.pick(['Owner', 'CEO', 'Chef·fe']), phone_mobile: '+33 1 23' });
      return told('edit', 'contacts', contact, 'contact edited');
    },
  ],
  [
    'contacts.delete',
    1,
    (account, dice) => {
      const contact = anyOf(account.contacts, dice);
      return contact ? told('delete', 'contacts', account.contacts.delete(contact.id), 'contact deleted') : null;
    },
  ],
  [
    'users.create',
    1,
    (account, dice) => {
      const user = account.users.create({
        first_name: dice.pick(FIRST_NAMES),
        last_name: dice.pick(LAST_NAMES),
        email: `person${account.users.size}-${dice.below(1_000_000)}@example.com`,
        default_hourly_rate: dice.between(50, 200),
        cost_rate: dice.between(20, 80),
      });
      return told('create', 'users', user, `${user.first_name} ${user.last_name} joined`);
    },
  ],
  [
    'users.rename',
    2,
    (account, dice) => {
      const user = anyOf(account.users, dice);
      if (!user) return null;
      account.users.update(user.id, { last_name: dice.pick(LAST_NAMES) });
      return told('edit', 'users', user, `is now called ${user.first_name} ${user.last_name}`);
    },
  ],
  [
    'users.archive',
    1,
    (account, dice) => {
      const user = anyOf(account.users, dice);
      if (!user || user.id === account.me().id) return null;
      account.users.update(user.id, { is_active: !user.is_active });
      return told('edit', 'users', user, user.is_active ? 'restored' : 'archived');
    },
  ],
  [
    'users.delete',
    1,
    (account, dice) => {
      const user = freshOf(account.users, dice);
      if (!user || user.id === account.me().id) return null;
      return told('delete', 'users', account.users.delete(user.id), 'removed with assignments and rates');
    },
  ],
  [
    'rates.create',
    2,
    (account, dice) => {
      const user = anyOf(account.users, dice);
      if (!user) return null;
      const stream = dice.pick(['billable_rates', 'cost_rates'] as const);
      const from = dice.weighted([
        [6, addDays(account.today(), dice.between(-90, 60))],
        [1, null],
      ]);
      const rate = account[stream].create({ user_id: user.id, amount: dice.between(20, 250), start_date: from });
      return told('create', stream, rate, `new rate from ${from ?? 'the beginning'}`);
    },
  ],
  [
    'roles.edit',
    1,
    (account, dice) => {
      const role = anyOf(account.roles, dice);
      if (!role) return null;
      const user_ids = dice.some(account.users.all(), dice.between(0, 6)).map(({ id }) => id);
      return told('edit', 'roles', account.roles.update(role.id, { user_ids }), `${user_ids.length} people now`);
    },
  ],
  [
    'roles.create',
    0.3,
    (account, dice) => {
      const role = account.roles.create({ name: `Guild ${dice.below(100_000)}` });
      return told('create', 'roles', role, 'new role');
    },
  ],
  [
    'roles.delete',
    0.2,
    (account, dice) => {
      const role = freshOf(account.roles, dice);
      return role ? told('delete', 'roles', account.roles.delete(role.id), 'role deleted') : null;
    },
  ],
  [
    'company.edit',
    0.3,
    (account, dice) => {
      account.company.week_start_day = dice.pick(['Saturday', 'Sunday', 'Monday']);
      account.company.clock = dice.pick(['12h', '24h']);
      const text = `week starts on ${account.company.week_start_day}`;
      return { kind: 'edit', stream: 'company', id: account.id, text };
    },
  ],
];
