package io.rutile.cli.bench.load;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;

/**
 * What a client does, over and over. The mixes and distributions of {@code YCSB_A} to {@code YCSB_F} are those of YCSB's core workloads
 * (Cooper et al., "Benchmarking cloud serving systems with YCSB", 2010, and the files {@code workloada} to {@code workloadf}).
 */
public enum Workload {
    GET("get", Distribution.UNIFORM, of(100, Action.READ)),
    PUT("put", Distribution.UNIFORM, of(100, Action.UPDATE)),
    SCAN("scan of 100", Distribution.UNIFORM, 100, true, 0, of(100, Action.SCAN_FULL)),
    SCAN1000("scan of 1,000", Distribution.UNIFORM, 1_000, true, 0, of(100, Action.SCAN_FULL)),
    MIXED("95/5 mix", Distribution.UNIFORM, of(95, Action.READ), of(5, Action.UPDATE)),
    TXN1("transaction, 1 key", Distribution.UNIFORM, 0, true, 1, of(100, Action.TRANSACTION)),
    TXN2("transaction, 2 keys", Distribution.UNIFORM, 0, true, 2, of(100, Action.TRANSACTION)),
    TXN8("transaction, 8 keys", Distribution.UNIFORM, 0, true, 8, of(100, Action.TRANSACTION)),
    HELD_GET("get at a held timestamp", Distribution.UNIFORM, of(100, Action.HELD_READ)),
    HELD_SCAN1000("scan of 1,000 at a held timestamp", Distribution.UNIFORM, 1_000, true, 0, of(100, Action.HELD_SCAN)),
    TSO("timestamp", Distribution.UNIFORM, of(100, Action.TIMESTAMP)),
    YCSB_A("YCSB A: 50 % read, 50 % update", Distribution.SCRAMBLED, of(50, Action.READ), of(50, Action.UPDATE)),
    YCSB_B("YCSB B: 95 % read, 5 % update", Distribution.SCRAMBLED, of(95, Action.READ), of(5, Action.UPDATE)),
    YCSB_C("YCSB C: read", Distribution.SCRAMBLED, of(100, Action.READ)),
    YCSB_D(
            "YCSB D: 95 % read of the latest, 5 % insert",
            Distribution.LATEST, of(95, Action.READ), of(5, Action.INSERT)),
    YCSB_E(
            "YCSB E: 95 % scan of 1 to 100, 5 % insert",
            Distribution.SCRAMBLED, 100, false, 0, of(95, Action.SCAN), of(5, Action.INSERT)),
    YCSB_F(
            "YCSB F: 50 % read, 50 % read-modify-write",
            Distribution.SCRAMBLED, of(50, Action.READ), of(50, Action.READ_MODIFY_WRITE));

    private record Share(int percent, Action action) {}

    private final String label;
    private final Distribution distribution;
    private final int rowsMax;
    private final boolean rowsFixed;
    private final int transactionKeys;
    /** Never changed. */
    @SuppressWarnings("ImmutableEnumChecker")
    private final List<Share> shares;

    Workload(String label, Distribution distribution, Share... shares) {
        this(label, distribution, 0, true, 0, shares);
    }

    Workload(
            String label,
            Distribution distribution,
            int rowsMax,
            boolean rowsFixed,
            int transactionKeys,
            Share... shares) {
        this.label = label;
        this.distribution = distribution;
        this.rowsMax = rowsMax;
        this.rowsFixed = rowsFixed;
        this.transactionKeys = transactionKeys;
        this.shares = List.of(shares);
    }

    private static Share of(int percent, Action action) {
        return new Share(percent, action);
    }

    /** How the report calls it. */
    public String label() {
        return label;
    }

    /** How an option calls it. */
    public String optionName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Of keys, unless somebody wants another one. */
    public Distribution distribution() {
        return distribution;
    }

    public Set<Action> actions() {
        return shares.stream().map(Share::action).collect(Collectors.toUnmodifiableSet());
    }

    /** Rows of a scan at most, 0 without scans. */
    public int rowsMax() {
        return rowsMax;
    }

    int rows(SplittableRandom random) {
        return rowsFixed ? rowsMax : 1 + random.nextInt(rowsMax);
    }

    int transactionKeys() {
        return transactionKeys;
    }

    public boolean writes() {
        return actions().stream().anyMatch(Action::writes);
    }

    /** True if it is about transactions, whatever subject it is put on. */
    public boolean isTransactional() {
        return actions().stream().anyMatch(Action::isTransactional);
    }

    Action action(SplittableRandom random) {
        int drawn = shares.size() == 1 ? 0 : random.nextInt(100);
        for (Share share : shares) {
            drawn -= share.percent();
            if (drawn < 0) {
                return share.action();
            }
        }
        throw new AssertionError("shares of " + this + " are less than 100 %");
    }
}
