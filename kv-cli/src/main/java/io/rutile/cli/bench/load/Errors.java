package io.rutile.cli.bench.load;

import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.rutile.client.KvClientException;
import io.rutile.client.pd.PdException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Failures by kind, with what the first of each said. One thread writes; {@link #add(Errors)} sums up after it has ended. */
public final class Errors {

    /** Kinds beyond are counted together. */
    private static final int KINDS_MAX = 16;

    private static final String OTHERS = "others";

    private final Map<String, Long> counts = new LinkedHashMap<>();
    private final Map<String, String> first = new LinkedHashMap<>();

    /** As another process has counted them. */
    public static Errors of(Map<String, Long> counts, Map<String, String> first) {
        Errors errors = new Errors();
        counts.forEach((kind, times) -> errors.count(kind, times, first.getOrDefault(kind, "")));
        return errors;
    }

    void count(Exception failure) {
        count(kind(failure), 1, String.valueOf(failure.getMessage()));
    }

    void count(String kind, long times, String said) {
        if (times == 0) {
            return;
        }
        String under = counts.size() < KINDS_MAX || counts.containsKey(kind) ? kind : OTHERS;
        counts.merge(under, times, Long::sum);
        first.putIfAbsent(under, said);
    }

    void add(Errors others) {
        others.counts.forEach((kind, times) -> count(kind, times, others.first.getOrDefault(kind, "")));
    }

    /** By kind. */
    public Map<String, Long> counts() {
        return Map.copyOf(counts);
    }

    /** What the first of each kind said. */
    public Map<String, String> first() {
        return Map.copyOf(first);
    }

    private static String kind(Exception failure) {
        if (failure instanceof BenchFailure own) {
            return own.kind();
        }
        if (failure instanceof KvClientException client) {
            return client.kind().name();
        }
        if (failure instanceof PdException pd) {
            return "PD " + pd.kind().name();
        }
        if (failure instanceof StatusRuntimeException status) {
            return "gRPC " + status.getStatus().getCode();
        }
        if (failure instanceof StatusException status) {
            return "gRPC " + status.getStatus().getCode();
        }
        return failure.getClass().getSimpleName().replace("Exception", "").toLowerCase(Locale.ROOT);
    }
}
