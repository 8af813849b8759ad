package io.rutile.trace;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Who makes the spans of a process, and which requests begin a trace where they come in from outside: those whose caller says so, none whose
 * caller says no, and of all others a part chosen at random. It is decided before anything is made, so what is not chosen costs a comparison.
 */
public final class Tracing {

    /** Nothing is traced, whatever callers say. */
    public static final Tracing OFF = new Tracing(OpenTelemetry.noop(), false, 0, () -> 1);

    private static final String SCOPE = "io.rutile";

    private final Tracer tracer;
    private final boolean on;
    private final double probability;
    private final DoubleSupplier dice;

    private Tracing(OpenTelemetry telemetry, boolean on, double probability, DoubleSupplier dice) {
        if (!(probability >= 0 && probability <= 1)) {
            throw new IllegalArgumentException("a probability is 0 to 1, not " + probability);
        }
        this.tracer = telemetry.getTracer(SCOPE);
        this.on = on;
        this.probability = probability;
        this.dice = dice;
    }

    /**
     * Traces, with spans of this SDK. Its sampler must take what it is given: what is asked for here is already chosen.
     *
     * @param probability which part of the requests that say nothing of a trace begin one, 0 to 1
     */
    public static Tracing with(OpenTelemetry telemetry, double probability) {
        return with(telemetry, probability, () -> ThreadLocalRandom.current().nextDouble());
    }

    static Tracing with(OpenTelemetry telemetry, double probability, DoubleSupplier dice) {
        return new Tracing(telemetry, true, probability, dice);
    }

    public boolean isOn() {
        return on;
    }

    /**
     * A request comes in from outside.
     *
     * @param traceparent that header of it, as it came
     * @param tracestate the same
     * @return what its span belongs under: the caller's, or nothing, which begins a trace; null if it is not traced
     */
    public @Nullable Context enter(@Nullable String traceparent, @Nullable String tracestate) {
        if (!on) {
            return null;
        }
        if (traceparent != null && TraceParent.saysAnything(traceparent)) {
            if (!TraceParent.saysSampled(traceparent)) {
                return null;
            }
            Context caller = TraceParent.read(traceparent, tracestate);
            if (caller != null) {
                return caller;
            }
        }
        return dice.getAsDouble() < probability ? Context.root() : null;
    }

    /** A span of a trace that is sampled. */
    public SpanBuilder span(String name, SpanKind kind, Context parent) {
        return tracer.spanBuilder(name).setSpanKind(kind).setParent(parent);
    }
}
