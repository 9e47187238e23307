// Clients with contacts, people with rates and roles.
import { addDays } from '../calendar.ts';
import type { RateRow } from '../model/rows.ts';
import { insertPast, type Making, spread, workingSecond } from './making.ts';
import { COMPANY_FORMS, COMPANY_NAMES, CURRENCIES, FIRST_NAMES, LAST_NAMES, ROLE_NAMES, TIMEZONES } from './words.ts';

export function fillPeople(making: Making): void {
  fillClients(making);
  fillUsers(making);
  fillRoles(making);
}

function fillClients(making: Making): void {
  const { account, dice, counts, start, today } = making;
  spread(dice, counts.clients, addDays(start, -200), addDays(today, -30)).forEach((date, at) => {
    const word = COMPANY_NAMES[at % COMPANY_NAMES.length] as string;
    const round = Math.floor(at / COMPANY_NAMES.length);
    const client = insertPast(making, account.clients, workingSecond(dice, date), {
      name: `${word} ${dice.pick(COMPANY_FORMS)}${round === 0 ? '' : ` ${round + 1}`}`,
      is_active: at % 9 !== 7,
      address: dice.chance(0.5) ? `${dice.between(1, 200)} Main St.\nSuite ${dice.between(1, 50)}\nAnytown` : null,
      statement_key: dice.hex(32),
      // The first clients show every currency, however small the account is.
      currency: CURRENCIES[at]?.[1] ?? dice.weighted(CURRENCIES),
    });
    for (let contact = dice.between(at === 0 ? 1 : 0, 3); contact > 0; contact--) {
      const first_name = dice.pick(FIRST_NAMES);
      const full = dice.chance(0.6);
      insertPast(making, account.contacts, workingSecond(dice, date) + 3600, {
        client_id: client.id,
        title: full ? dice.pick(['Owner', 'CFO', 'Directeur·rice', 'Buyer']) : null,
        first_name,
        last_name: dice.chance(0.9) ? dice.pick(LAST_NAMES) : null,
        email: dice.chance(0.8) ? `contact${account.contacts.size + 1}@example.com` : '',
        phone_office: full ? `(203) 697-${dice.between(1000, 9999)}` : '',
        phone_mobile: full ? null : '',
        fax: '',
      });
    }
  });
}

function fillUsers(making: Making): void {
  const { account, dice, counts, start, today } = making;
  spread(dice, counts.users, addDays(start, -300), addDays(today, -60)).forEach((date, at) => {
    const owner = at === 0;
    const active = at % 6 !== 5;
    const user = insertPast(making, account.users, workingSecond(dice, date), {
      first_name: dice.pick(FIRST_NAMES),
      last_name: dice.pick(LAST_NAMES),
      email: `person${at + 1}@example.com`,
      telephone: dice.chance(0.3) ? `+49 30 ${dice.between(100_000, 999_999)}` : dice.chance(0.2) ? null : '',
      timezone: dice.pick(TIMEZONES),
      has_access_to_all_future_projects: dice.chance(0.1),
      is_contractor: !owner && dice.chance(0.15),
      is_active: active,
      weekly_capacity: dice.pick([126_000, 126_000, 144_000, 72_000, 0]),
      access_roles: owner ? ['administrator'] : dice.chance(0.15) ? ['manager', 'billable_rates_manager'] : ['member'],
      avatar_url: dice.chance(0.8) ? `https://cache.harvestapp.com/assets/profile_images/big_${at}.png?${date}` : null,
      employee_id: dice.chance(0.4) ? `E-${1000 + at}` : null,
      calendar_integration_enabled: dice.chance(0.2),
      calendar_integration_source: dice.chance(0.2) ? 'google' : null,
    });
    if (owner || dice.chance(0.9)) fillRates(making, 'billable_rates', user.id, date, at < 3);
    if (owner || dice.chance(0.8)) fillRates(making, 'cost_rates', user.id, date, at < 3);
  });
}

/** One to three rates, each ending the day before the next; some start in the future. */
function fillRates(
  making: Making,
  noun: 'billable_rates' | 'cost_rates',
  user_id: number,
  since: string,
  future: boolean,
): void {
  const { account, dice, today } = making;
  const starts: (string | null)[] = [null];
  if (dice.chance(0.5)) starts.push(addDays(since, dice.between(20, 50)));
  if (future || dice.chance(0.1)) starts.push(addDays(today, dice.between(1, 60)));
  const level = noun === 'billable_rates' ? 60 : 25;
  starts.forEach((start_date, at) => {
    const next = starts[at + 1] ?? null;
    const rate: Omit<RateRow, 'id' | 'created_at' | 'updated_at'> = {
      user_id,
      amount: level + dice.below(200) / 2 + at * 5,
      start_date,
      end_date: next === null ? null : addDays(next, -1),
    };
    insertPast(making, account[noun], workingSecond(dice, since) + at * 86_400, rate);
  });
}

function fillRoles(making: Making): void {
  const { account, dice, start } = making;
  const users = account.users.all();
  ROLE_NAMES.forEach((name, at) => {
    // The last role has nobody in it.
    const members = at === ROLE_NAMES.length - 1 ? [] : dice.some(users, dice.between(1, Math.ceil(users.length / 4)));
    const user_ids = members.map(({ id }) => id);
    insertPast(making, account.roles, workingSecond(dice, start), { name, user_ids });
  });
}
