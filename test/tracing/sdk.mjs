// Preloaded into a manager process (`node --import`): an SDK of OpenTelemetry that writes one line per span to stderr.
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';

/** @type {import('@opentelemetry/sdk-trace-node').SpanExporter} */
const exporter = {
  export(spans, done) {
    for (const span of spans) {
      process.stderr.write(`span ${span.name} of ${span.spanContext().traceId}\n`);
    }
    done({ code: 0 });
  },
  shutdown: async () => {},
};

new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
