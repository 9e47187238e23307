// The engine may rely on this in any Sink: the same tests against the log in memory and against a real broker, so that the one
// on which the simulation rests cannot drift from the other.
import { expect, test } from 'vitest';
import type { Sink } from '../../src/engine/ports.ts';
import { batch, forever, Model, message } from './kafka.ts';

/** An empty log, and everything that can be asked of it. */
export interface SinkWorld {
  /** A sink of another instance of the same account. */
  sink(): Sink;
  /** Everything committed to the topic of a stream, as `key=value` in order. */
  committed(stream: string): Promise<readonly string[]>;
}

export function testSinkContract(emptyWorld: () => SinkWorld): void {
  test('the first opening of an account finds nothing', async () => {
    const model = new Model();
    const { maxValueBytes: _, ...opened } = await emptyWorld().sink().open(model, forever);
    expect(opened).toEqual({ rows: new Map(), broken: new Map(), records: 0 });
    expect(model.delivered).toBe(0);
  });

  test('a batch is visible whole; rows and records are read back as they were', async () => {
    const { sink, committed } = emptyWorld();
    const first = sink();
    await first.open(new Model(), forever);
    await first.commit(
      batch([message('clients', '1', 'one'), message('users', '2', null)], {
        clients: { cursor: 'x' },
        budgets: { a: 3 },
      }),
    );
    expect(await committed('clients')).toEqual(['1=one']);
    expect(await committed('users')).toEqual(['2=null']);
    const model = new Model();
    const { rows } = await sink().open(model, forever);
    expect(Object.fromEntries(rows)).toEqual({ clients: { cursor: 'x' }, budgets: { a: 3 } });
    expect([...model.values]).toEqual([['clients/1', 'one']]);
  });

  test('a row set to null is gone at the next opening', async () => {
    const { sink } = emptyWorld();
    const first = sink();
    await first.open(new Model(), forever);
    await first.commit(batch([], { clients: { cursor: 'x' }, users: { cursor: 'y' } }));
    await first.commit(batch([], { clients: null }));
    const { rows } = await sink().open(new Model(), forever);
    expect([...rows.keys()]).toEqual(['users']);
  });

  test('a newer instance takes the account; the older one is fenced at its next commit and at its next opening [P5]', async () => {
    const { sink, committed } = emptyWorld();
    const older = sink();
    await older.open(new Model(), forever);
    await older.commit(batch([message('clients', '1', 'older')], { clients: { cursor: 1 } }));
    const newer = sink();
    const model = new Model();
    const { rows } = await newer.open(model, forever);
    expect(rows.get('clients')).toEqual({ cursor: 1 });
    expect(model.values).toEqual(new Map([['clients/1', 'older']]));

    const late = batch([message('clients', '1', 'too late')], { clients: { cursor: 2 } });
    await expect(older.commit(late)).rejects.toMatchObject({ code: 'kafka.fenced', kind: 'account', exitCode: 79 });
    await expect(older.open(new Model(), forever)).rejects.toMatchObject({ code: 'kafka.fenced' });
    await newer.commit(batch([message('clients', '1', 'newer')], { clients: { cursor: 2 } }));
    expect(await committed('clients')).toEqual(['1=older', '1=newer']);
  });

  test('a second opening delivers only what is new; what the sink committed itself is not delivered again', async () => {
    const { sink } = emptyWorld();
    const first = sink();
    const model = new Model();
    await first.open(model, forever);
    const messages = Array.from({ length: 500 }, (_, i) => message('clients', `k${i}`, `v${i}`));
    await first.commit(batch(messages, { clients: { cursor: 1 } }));
    expect((await first.open(model, forever)).records).toBe(0);
    expect((await sink().open(model, forever)).records).toBe(500);
    expect(model.values.size).toBe(500);
  });

  test('the values of a key come back in their order, tombstones with them', async () => {
    const { sink } = emptyWorld();
    const first = sink();
    await first.open(new Model(), forever);
    for (const value of ['one', 'two', null]) {
      const messages = ['a', 'b'].map((key) =>
        message('clients', key, key === 'b' && value === null ? 'three' : value),
      );
      await first.commit(batch(messages, { clients: { cursor: String(value) } }));
    }
    const model = new Model();
    const { records } = await sink().open(model, forever);
    expect(records).toBe(6);
    expect([...model.values]).toEqual([['clients/b', 'three']]);
  });
}
