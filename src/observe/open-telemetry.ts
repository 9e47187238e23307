// OpenTelemetry's packages, which are no dependency of ours: loaded when traces are asked for, and installed by whoever asks. What
// cannot be sent is lost, counted and told; the work never waits for a collector.
import { readFileSync } from 'node:fs';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { atMost, type Clock } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import { packageUrl } from '../base/package-root.ts';
import { counted } from '../base/words.ts';
import type { Logger } from './log.ts';
import { Traces } from './traces.ts';

export interface TracingSettings {
  /** Spans go to `/v1/traces` below it, as OTLP in JSON. */
  readonly otlpEndpoint: string;
  /** 0 to 1. */
  readonly sampleRatio: number;
}

export interface Tracing {
  readonly traces: Traces;
  /** Sends what is left; a collector that does not answer holds nobody up for long. */
  close(): Promise<void>;
}

/** So long a sending may take, repetitions included: shorter than the time in which a process has to stop. */
const SENDING_MS = 3_000;
/** So long the last spans may take. */
const LAST_SPANS_MS = 1_000;

type Done = Parameters<SpanExporter['export']>[1];

/** Throws PublisherError `config.invalid` when a package is missing. */
export async function openTracing(
  { otlpEndpoint, sampleRatio }: TracingSettings,
  parts: { readonly version: string; readonly clock: Clock; readonly log: Pick<Logger, 'warn' | 'info'> },
): Promise<Tracing> {
  const { version, clock, log } = parts;
  const { api, sdk, resources, exporter } = await packages();
  const ours = resources.resourceFromAttributes({ 'service.name': 'harvest-kafka', 'service.version': version });
  const given = resources.detectResources({ detectors: [resources.envDetector] });
  const provider = new sdk.TracerProvider({
    resource: ours.merge(given),
    sampler: new sdk.TraceIdRatioBasedSampler(sampleRatio),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: new ToldExporter(
          new exporter.OTLPTraceExporter({ url: `${otlpEndpoint}/v1/traces`, timeoutMillis: SENDING_MS }),
          log,
        ),
      }),
    ],
  });
  return {
    traces: new Traces({
      tracer: provider.getTracer('harvest-kafka', version),
      within: (span) => api.trace.setSpan(api.ROOT_CONTEXT, span),
      clock,
    }),
    close: () => atMost(clock, LAST_SPANS_MS, provider.shutdown()),
  };
}

async function packages() {
  try {
    const [api, sdk, resources, exporter] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/exporter-trace-otlp-http'),
    ]);
    return { api, sdk, resources, exporter };
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new PublisherError(
      'config.invalid',
      'tracing.otlp_endpoint needs packages of OpenTelemetry that are not here',
      {
        remedy: `npm install ${wanted().join(' ')}, beside harvest-kafka (with -g if that was installed with it)`,
      },
    );
  }
}

/** The packages with the versions that were tested, as npm takes them. */
function wanted(): string[] {
  const { peerDependencies } = JSON.parse(readFileSync(packageUrl('package.json'), 'utf8'));
  return Object.entries(peerDependencies).map(([name, version]) => `${name}@${version}`);
}

/** Tells once that spans are lost, and once that they arrive again. */
class ToldExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #log: Pick<Logger, 'warn' | 'info'>;
  #lost = 0;

  constructor(exporter: SpanExporter, log: Pick<Logger, 'warn' | 'info'>) {
    this.#exporter = exporter;
    this.#log = log;
  }

  export(spans: ReadableSpan[], done: Done): void {
    this.#exporter.export(spans, (result) => {
      this.#tell(result, spans.length);
      done(result);
    });
  }

  #tell({ error }: Parameters<Done>[0], count: number): void {
    if (error !== undefined) {
      if (this.#lost === 0)
        this.#log.warn({ event: 'traces.lost' }, `the collector takes no traces: ${reasonOf(error)}`);
      this.#lost += count;
    } else if (this.#lost > 0) {
      const lost = this.#lost;
      this.#lost = 0;
      this.#log.info({ event: 'traces.restored', lost }, `traces arrive again; ${counted(lost, 'span')} lost`);
    }
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }
}

/** A failed connection is told by its code alone. */
function reasonOf(error: Error & { readonly code?: unknown }): string {
  return error.message || String(error.code ?? error.name);
}
