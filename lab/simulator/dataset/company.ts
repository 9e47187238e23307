// The company every simulated account starts as.
import type { Company } from '../model/rows.ts';

export const newCompany = (): Company => ({
  base_uri: 'https://blafjord.harvestapp.com',
  full_domain: 'blafjord.harvestapp.com',
  name: 'Blå Fjord & Sons – API Examples',
  is_active: true,
  week_start_day: 'Monday',
  wants_timestamp_timers: false,
  time_format: 'hours_minutes',
  date_format: '%Y-%m-%d',
  plan_type: 'simple-v4',
  clock: '12h',
  currency: 'USD',
  currency_code_display: 'iso_code_none',
  currency_symbol_display: 'symbol_before',
  decimal_symbol: '.',
  thousands_separator: ',',
  color_scheme: 'orange',
  weekly_capacity: 126_000,
  expense_feature: true,
  invoice_feature: true,
  estimate_feature: true,
  approval_feature: true,
  team_feature: true,
  saml_sign_in_required: false,
  day_entry_notes_required: null,
});
