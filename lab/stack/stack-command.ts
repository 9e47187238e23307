// `npm run stack`: a broker and a registry in the foreground, for whatever wants to be tried against them.

import { Command, InvalidArgumentError } from 'commander';
import { asPublisherError } from '../../src/base/errors.ts';
import { KAFKA_VERSION } from './kafka-home.ts';
import { freePort } from './ports.ts';
import { type Stack, startStack } from './stack.ts';

interface Options {
  readonly brokerPort?: number;
  readonly registryPort?: number;
  readonly data: string;
  readonly kafkaVersion: string;
}

await new Command('stack')
  .description('Runs a Kafka broker and a schema registry until Ctrl-C; fetches them with Maven the first time.')
  .option('--broker-port <n>', 'port of the broker (default: 9092, or a free one)', port)
  .option('--registry-port <n>', 'port of the registry (default: 8081, or a free one)', port)
  .option('--data <dir>', 'where topics and schemas are kept', '.lab/stack')
  .option('--kafka-version <version>', 'version of the broker', KAFKA_VERSION)
  .action(run)
  .parseAsync();

async function run(options: Options): Promise<void> {
  const progress = createProgress();
  try {
    process.exitCode = await serve(options, progress);
  } catch (error) {
    const { message, remedy, code, exitCode } = asPublisherError(error);
    progress.end();
    // A missing program is one sentence that says itself what to do.
    process.stderr.write(code === 'lab.missing' ? `${message}\n` : `${message}\n  ${remedy}\n`);
    process.exitCode = exitCode;
  }
}

/** Serves until a signal comes, and resolves with the exit code that belongs to it. */
async function serve(options: Options, progress: Progress): Promise<number> {
  const interrupt = new AbortController();
  let stack: Stack | undefined;
  const onSignal = (exitCode: number) => () => {
    if (interrupt.signal.aborted) stack?.kill().catch(() => {});
    interrupt.abort(exitCode);
  };
  process.on('SIGINT', onSignal(130)).on('SIGTERM', onSignal(143));
  const interrupted = new Promise<number>((resolve) => {
    interrupt.signal.addEventListener('abort', () => resolve(interrupt.signal.reason), { once: true });
  });

  try {
    stack = await startStack({
      dataDir: options.data,
      brokerPort: options.brokerPort ?? (await freePort(9092)),
      registryPort: options.registryPort ?? (await freePort(8081)),
      kafkaVersion: options.kafkaVersion,
      onProgress: progress.show,
      signal: interrupt.signal,
    });
    progress.end();
    process.stdout.write(addresses(stack, options.data));
    return await Promise.race([interrupted, stack.broker.died, stack.registry.died]);
  } catch (error) {
    if (interrupt.signal.aborted) return interrupt.signal.reason;
    throw error;
  } finally {
    progress.end();
    await stack?.stop();
  }
}

function addresses({ broker, registry }: Stack, data: string): string {
  return `
  broker       ${broker.bootstrap}
  registry     ${registry.url}
  data         ${data} (kept; remove it to start afresh)

For harvest-kafka and its configuration:

  export KAFKA_BROKERS=${broker.bootstrap} SCHEMA_REGISTRY_URL=${registry.url}

Ctrl-C stops both.
`;
}

interface Progress {
  show(line: string): void;
  end(): void;
}

/** On a terminal one line that counts the seconds; elsewhere the steps as they come, and a sign of life now and then. */
function createProgress(): Progress {
  const terminal = process.stdout.isTTY === true;
  const started = performance.now();
  const steps = new Map<string, string>();
  let timer: NodeJS.Timeout | undefined;

  const line = () => [...steps].map((step) => step.join(': ')).join(' · ');
  const seconds = () => `${Math.round((performance.now() - started) / 1000)} s`;
  const draw = () => {
    if (!terminal) return void process.stdout.write(`${line()} (${seconds()})\n`);
    const width = process.stdout.columns - 1;
    process.stdout.write(`\r\x1b[K${`${seconds()}  ${line()}`.slice(0, width)}`);
  };
  return {
    show: (text) => {
      const [program = text, step = ''] = text.split(': ');
      steps.set(program, step);
      timer ??= setInterval(draw, terminal ? 500 : 10_000);
      if (terminal) draw();
      else process.stdout.write(`${text}\n`);
    },
    end: () => {
      if (timer && terminal) process.stdout.write('\r\x1b[K');
      clearInterval(timer);
      timer = undefined;
    },
  };
}

function port(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > 65_535) throw new InvalidArgumentError('Not a port.');
  return number;
}
