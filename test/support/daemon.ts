// `run` with its HTTP door open: what an operator's probes see of it.
import type { AccountStatus } from '../../src/engine/status.ts';
import type { Readiness } from '../../src/observe/readiness.ts';
import { NO_LIMITS, publisher, type Running, until, type Where } from './publisher.ts';

export interface RunningDaemon extends Running {
  readonly address: string;
  /** The answer of /health/ready, with its status. */
  readiness(): Promise<Readiness & { readonly status: number }>;
  accounts(): Promise<readonly AccountStatus[]>;
}

/** Starts the daemon on a free port; resolves when the door is open. `options` are more of the command line. */
export async function daemon(where: Where, options: readonly string[] = []): Promise<RunningDaemon> {
  const settings = [...(where.settings ?? NO_LIMITS), 'http.listen=127.0.0.1:0'];
  const running = publisher({ ...where, settings }, ['run', ...options]);
  const [, address] = await running.printed(/"address":"([^"]+)"/);
  return {
    ...running,
    address: address!,
    readiness: async () => {
      const answer = await fetch(`${address}/health/ready`);
      return { status: answer.status, ...((await answer.json()) as Readiness) };
    },
    accounts: async () => ((await (await fetch(`${address}/status`)).json()) as { accounts: AccountStatus[] }).accounts,
  };
}

export const isReady = (running: RunningDaemon) => async () => (await running.readiness()).ready;

/** Until the daemon is not ready because it waits, for this reason. */
export async function waitsFor(running: RunningDaemon, reason: RegExp): Promise<void> {
  await until(`not ready: ${reason}`, async () => {
    const { status, reasons } = await running.readiness();
    return status === 503 && reasons.some(({ state, reason: said }) => state === 'waiting' && reason.test(said));
  });
}
