package io.rutile.gateway.access;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * Who was refused what, and who did what as an admin: one JSON object a line, at the logger {@value #LOGGER}, without keys, tokens or
 * ids of transactions. Whoever is refused can be so as often as they like, so of that {@value #REFUSALS_PER_SECOND} lines a second are written
 * and the others counted; what admins do is always written. Every refusal is counted by its reason. Safe from any thread.
 */
public final class AuditLog {

    static final String LOGGER = "io.rutile.gateway.audit";
    static final int REFUSALS_PER_SECOND = 20;

    private static final Logger log = LoggerFactory.getLogger(LOGGER);
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final long SECOND_NANOS = 1_000_000_000L;

    private final LongSupplier nanoClock;
    private final Map<Refusal, Counter> refused = new EnumMap<>(Refusal.class);
    private final Counter suppressed;

    private long secondBeganNanos;
    private int writtenInSecond;
    private long notWritten;

    public AuditLog(MeterRegistry metrics) {
        this(metrics, System::nanoTime);
    }

    /** @param nanoClock monotonic, as {@link System#nanoTime} counts */
    AuditLog(MeterRegistry metrics, LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
        this.secondBeganNanos = nanoClock.getAsLong();
        for (Refusal refusal : Refusal.values()) {
            refused.put(
                    refusal,
                    Counter.builder("kv.gateway.auth.refused")
                            .tag("reason", refusal.label())
                            .description("Calls refused because of who called")
                            .register(metrics));
        }
        suppressed = Counter.builder("kv.gateway.audit.suppressed")
                .description("Refusals that were counted but not written to the audit log, for there were too many")
                .register(metrics);
    }

    /** @param caller null if it is not known who it was */
    void refused(Refusal refusal, @Nullable Caller caller, CallOrigin origin, String detail) {
        Counter counter = refused.get(refusal);
        if (counter != null) {
            counter.increment();
        }
        long before = mayWrite();
        if (before < 0) {
            suppressed.increment();
            return;
        }
        Map<String, Object> line = line("refused", caller == null ? null : caller.name(), origin);
        line.put("reason", refusal.label());
        if (!detail.isEmpty()) {
            line.put("detail", detail);
        }
        if (before > 0) {
            line.put("notWritten", before);
        }
        write(line);
    }

    void admin(Caller caller, CallOrigin origin) {
        write(line("admin", caller.name(), origin));
    }

    /** What callers may do, or the keys that their tokens are signed with, are other ones from now on, or could not be read. */
    void changed(String what, String outcome) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("event", "changed");
        line.put("what", what);
        line.put("outcome", outcome);
        write(line);
    }

    /** @return how many were left out before this one; negative if this one is left out, too */
    private synchronized long mayWrite() {
        long now = nanoClock.getAsLong();
        if (now - secondBeganNanos >= SECOND_NANOS) {
            secondBeganNanos = now;
            writtenInSecond = 0;
        }
        if (writtenInSecond >= REFUSALS_PER_SECOND) {
            notWritten++;
            return -1;
        }
        writtenInSecond++;
        long before = notWritten;
        notWritten = 0;
        return before;
    }

    private static Map<String, Object> line(String event, @Nullable String caller, CallOrigin origin) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("event", event);
        if (caller != null) {
            line.put("caller", caller);
        }
        line.put("door", origin.door());
        line.put("peer", origin.peer());
        line.put("operation", origin.operation());
        return line;
    }

    /** JSON escapes what could be taken for another line. */
    private static void write(Map<String, Object> line) {
        log.info("{}", JSON.writeValueAsString(line));
    }
}
