package io.rutile.trace;

import io.grpc.Metadata;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The trace that something is done for: read from what came in, written to what goes out. W3C Trace Context, level 1. Only traces that are
 * sampled are known here; of others nothing is passed on.
 */
public final class TraceParent {

    /** {@code traceparent := version "-" trace-id "-" parent-id "-" flags}: 2, 32, 16 and 2 digits. */
    private static final int LENGTH = 55;

    private static final int SAMPLED = 1;

    /** What everybody has to pass on. A longer state would take the room that servers give to headers, and is left out. */
    private static final int STATE_LENGTH_MAX = 512;

    public static final String HEADER = "traceparent";
    public static final String STATE_HEADER = "tracestate";

    static final Metadata.Key<String> KEY = Metadata.Key.of(HEADER, Metadata.ASCII_STRING_MARSHALLER);
    static final Metadata.Key<String> STATE_KEY = Metadata.Key.of(STATE_HEADER, Metadata.ASCII_STRING_MARSHALLER);

    private static final TextMapGetter<Headers> GETTER = new Getter();

    /** As they came. */
    private record Headers(String parent, @Nullable String state) {}

    private TraceParent() {}

    /** The trace that the running thread works for; null if there is none that is sampled. Makes nothing. */
    public static @Nullable Context current() {
        Context now = Context.current();
        return Span.fromContext(now).getSpanContext().isSampled() ? now : null;
    }

    /** The trace that came with a call; null if none that is sampled did. */
    public static @Nullable Context of(Metadata headers) {
        String header = headers.get(KEY);
        return header != null && saysSampled(header) ? read(header, headers.get(STATE_KEY)) : null;
    }

    /** Reads the headers of a trace; null if they are not what the standard says, or say that it is not sampled. */
    static @Nullable Context read(String header, @Nullable String state) {
        String bounded = state == null || state.length() > STATE_LENGTH_MAX ? null : state;
        Context read =
                W3CTraceContextPropagator.getInstance().extract(Context.root(), new Headers(header, bounded), GETTER);
        return Span.fromContext(read).getSpanContext().isSampled() ? read : null;
    }

    /** Whether it is long enough to be one at all. */
    static boolean saysAnything(String header) {
        return header.length() >= LENGTH;
    }

    /** Looks at the flag alone, so that nothing is made of a header that asks for nothing. */
    static boolean saysSampled(String header) {
        return saysAnything(header) && (Character.digit(header.charAt(LENGTH - 1), 16) & SAMPLED) != 0;
    }

    /** Has a call carry the trace. Called before its headers leave. */
    public static void write(Context trace, Metadata headers) {
        W3CTraceContextPropagator.getInstance().inject(trace, headers, (carrier, name, value) -> {
            if (carrier != null) {
                carrier.put(name.equals(HEADER) ? KEY : STATE_KEY, value);
            }
        });
    }

    /** Has a call that is passed on carry the trace that it came with. */
    public static void copy(Metadata from, Metadata to) {
        for (Metadata.Key<String> key : List.of(KEY, STATE_KEY)) {
            String value = from.get(key);
            if (value != null) {
                to.put(key, value);
            }
        }
    }

    /** Gives the propagator what it asks for by name. */
    private static final class Getter implements TextMapGetter<Headers> {

        @Override
        public Iterable<String> keys(Headers carrier) {
            return List.of(HEADER, STATE_HEADER);
        }

        @Override
        public @Nullable String get(@Nullable Headers carrier, String key) {
            if (carrier == null) {
                return null;
            }
            return key.equals(HEADER) ? carrier.parent() : key.equals(STATE_HEADER) ? carrier.state() : null;
        }
    }
}
