package io.rutile.cli.bench;

import io.rutile.cli.bench.load.Action;
import io.rutile.cli.bench.load.CommitWay;
import io.rutile.cli.bench.load.Figures;
import io.rutile.cli.bench.load.Load;
import io.rutile.cli.bench.load.Workload;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Something that Rutile must show: a cell against another one, or against a number.
 *
 * @param name how {@code --only} calls it
 * @param path what it is about
 * @param measure what is compared
 * @param figure whose
 * @param floor with whose; null if with the bound itself
 * @param keys that one operation of the figure's is about: it is divided by so many
 * @param bound of the ratio, or of the figure
 */
record Bar(
        String name,
        String path,
        Measure measure,
        Ref figure,
        @Nullable Ref floor,
        int keys,
        double bound) {

    private static final int CLIENTS = 64;

    /** A scan of 1,000 rows is a thousand operations' work. */
    private static final int SCAN_CLIENTS = 16;

    /** Those of a run without etcd. */
    static final List<Bar> ALL = List.of(
            throughput("raw-get", "raw get, one Region, of a gRPC echo", grpc(Workload.GET, 1), echo(1), 0.6),
            throughput("raw-get-100", "raw get, 100 Regions, of a gRPC echo", grpc(Workload.GET, 100), echo(100), 0.55),
            throughput(
                    "raw-put",
                    "raw put, one Region, of bare kv-raft",
                    grpc(Workload.PUT, 1),
                    new Ref(SubjectName.RAFT, Workload.PUT, 1),
                    0.6),
            // Unbatched RheaKV did 0.30 of RocksDB's synced puts on its machine, etcd 0.19:
            // docs/operations/benchmark.md.
            throughput(
                    "raw-put-peers",
                    "raw put, one Region, of RocksDB with fsync (RheaKV 0.30, etcd 0.19)",
                    grpc(Workload.PUT, 1),
                    new Ref(SubjectName.ROCKSDB, Workload.PUT, 1),
                    0.3),
            throughput(
                    "raw-put-50",
                    "raw put, 50 Regions, of one Region",
                    grpc(Workload.PUT, 50),
                    grpc(Workload.PUT, 1),
                    0.6),
            throughput(
                    "held-get",
                    "KvGet at a held timestamp, of raw get",
                    grpc(Workload.HELD_GET, 1),
                    grpc(Workload.GET, 1),
                    0.85),
            cpu("txn-1pc", "1 key by 1PC, server CPU, of a raw put", Workload.TXN1, 1, 1.6),
            cpu("txn-async", "2 keys by async commit, server CPU, of a raw put", Workload.TXN2, 1, 4),
            cpu("txn-2pc", "8 keys by 2PC, server CPU of a key, of a raw put", Workload.TXN8, 8, 1.6),
            throughput(
                    "scan-raw",
                    "raw scan of 1,000 rows, of a RocksDB iterator",
                    grpc(Workload.SCAN1000, 1),
                    new Ref(SubjectName.ROCKSDB, Workload.SCAN1000, 1),
                    0.5),
            throughput(
                    "scan-mvcc",
                    "MVCC scan of 1,000 rows, of a RocksDB iterator",
                    grpc(Workload.HELD_SCAN1000, 1),
                    new Ref(SubjectName.ROCKSDB, Workload.SCAN1000, 1),
                    0.3),
            throughput(
                    "tso",
                    "timestamps, of an echo",
                    grpc(Workload.TSO, 1),
                    new Ref(SubjectName.TSO_ECHO, Workload.TSO, 1),
                    0.8),
            new Bar("tso-p99", "timestamps, p99", Measure.P99, grpc(Workload.TSO, 1), null, 1, 3),
            // Two answers to what REST costs: beside the gateway's other door, and beside kv-client, which needs no
            // gateway.
            throughput("rest-get", "REST get, of the gateway's gRPC", rest(Workload.GET), gateway(Workload.GET), 0.5),
            throughput("rest-put", "REST put, of the gateway's gRPC", rest(Workload.PUT), gateway(Workload.PUT), 0.5),
            throughput(
                    "rest-get-stores",
                    "REST get, of gRPC to the stores",
                    rest(Workload.GET),
                    grpc(Workload.GET, 1),
                    0.5),
            throughput(
                    "rest-put-stores",
                    "REST put, of gRPC to the stores",
                    rest(Workload.PUT),
                    grpc(Workload.PUT, 1),
                    0.5));

    /** One more where there is an etcd. */
    static final Bar ETCD = throughput(
            "raw-put-etcd",
            "raw put, one Region, of etcd",
            grpc(Workload.PUT, 1),
            new Ref(SubjectName.ETCD, Workload.PUT, 1),
            1);

    /** What is measured beside the bars, because it helps to understand them. */
    static final List<Ref> BESIDE =
            List.of(new Ref(SubjectName.ROCKSDB_NOSYNC, Workload.PUT, 1), new Ref(SubjectName.ECHO, Workload.PUT, 1));

    /** A cell that a bar is about. */
    record Ref(SubjectName subject, Workload workload, int regions) {

        Load load() {
            int clients = workload.rowsMax() > 0 ? SCAN_CLIENTS : CLIENTS;
            return new Load(workload, workload.distribution(), commit(), clients, 0);
        }

        private CommitWay commit() {
            return switch (workload) {
                case TXN8 -> CommitWay.TWOPC;
                case TXN2 -> CommitWay.ASYNC;
                default -> CommitWay.ONEPC;
            };
        }

        /** Of 100 bytes; other values are as large as the run says. */
        boolean isAboutRows() {
            return workload.actions().contains(Action.SCAN_FULL)
                    || workload.actions().contains(Action.HELD_SCAN);
        }
    }

    /** What is compared. */
    enum Measure {
        THROUGHPUT("ops/s", true) {
            @Override
            double of(Figures figures) {
                return figures.operationsPerSecond();
            }
        },
        SERVER_CPU("s/1,000", false) {
            @Override
            double of(Figures figures) {
                return figures.serverCpuTotal();
            }
        },
        P99("ms", false) {
            @Override
            double of(Figures figures) {
                return figures.p99Ms();
            }
        };

        private final String unit;
        private final boolean moreIsBetter;

        Measure(String unit, boolean moreIsBetter) {
            this.unit = unit;
            this.moreIsBetter = moreIsBetter;
        }

        abstract double of(Figures figures);
    }

    private static Bar throughput(String name, String path, Ref figure, Ref floor, double bound) {
        return new Bar(name, path, Measure.THROUGHPUT, figure, floor, 1, bound);
    }

    private static Bar cpu(String name, String path, Workload transaction, int keys, double bound) {
        return new Bar(name, path, Measure.SERVER_CPU, grpc(transaction, 1), grpc(Workload.PUT, 1), keys, bound);
    }

    private static Ref grpc(Workload workload, int regions) {
        return new Ref(SubjectName.GRPC, workload, regions);
    }

    private static Ref echo(int regions) {
        return new Ref(SubjectName.ECHO, Workload.GET, regions);
    }

    private static Ref rest(Workload workload) {
        return new Ref(SubjectName.REST, workload, 1);
    }

    private static Ref gateway(Workload workload) {
        return new Ref(SubjectName.GATEWAY, workload, 1);
    }

    /** @param cells finds what was measured of a reference */
    BarResult judge(Function<Ref, Optional<Cell>> cells) {
        Cell mine = cells.apply(figure).orElse(null);
        Cell other = floor == null ? null : cells.apply(floor).orElse(null);
        String text = (measure.moreIsBetter ? "≥ " : "≤ ")
                + String.format(Locale.ROOT, "%.2f", bound)
                + (floor == null ? " " + measure.unit : "");
        if (mine == null || (floor != null && other == null)) {
            return new BarResult(name, path, measure.unit, 0, null, null, null, null, text, false, "not measured");
        }
        double value = mine.median(this::figureOf);
        if (other == null) {
            String why = trouble(mine, value);
            boolean met = why == null && isMet(value);
            return new BarResult(name, path, measure.unit, value, null, null, null, null, text, met, why);
        }
        double floorValue = other.median(measure::of);
        String why = trouble(mine, value) != null ? trouble(mine, value) : trouble(other, floorValue);
        if (floorValue == 0) {
            return new BarResult(name, path, measure.unit, value, floorValue, null, null, null, text, false, why);
        }
        double ratio = value / floorValue;
        if (why == null && floor != null && floor.subject().isFloor() && measure.moreIsBetter && ratio > 1) {
            why = "the floor is slower than what stands on it: measure longer, on a machine that does nothing else";
        }
        double[] ratios = IntStream.range(
                        0, Math.min(mine.runs().size(), other.runs().size()))
                .mapToDouble(i ->
                        figureOf(mine.runs().get(i)) / measure.of(other.runs().get(i)))
                .filter(Double::isFinite)
                .sorted()
                .toArray();
        return new BarResult(
                name,
                path,
                measure.unit,
                value,
                floorValue,
                ratio,
                ratios.length == 0 ? ratio : ratios[0],
                ratios.length == 0 ? ratio : ratios[ratios.length - 1],
                text,
                why == null && isMet(ratio),
                why);
    }

    private double figureOf(Figures figures) {
        return measure.of(figures) / keys;
    }

    private boolean isMet(double value) {
        return measure.moreIsBetter ? value >= bound : value <= bound;
    }

    /** A cell with errors has shown nothing. */
    private @Nullable String trouble(Cell cell, double value) {
        if (cell.hasErrors()) {
            return "errors in " + cell.id().subject() + ", " + cell.id().operation();
        }
        if (measure == Measure.SERVER_CPU && cell.lacksServerCpu()) {
            return "what the servers use can't be seen from here";
        }
        return value == 0
                ? "nothing was done in " + cell.id().subject() + ", "
                        + cell.id().operation()
                : null;
    }
}
