package io.rutile.cli.bench;

import io.rutile.cli.bench.load.Action;
import io.rutile.cli.bench.load.Workload;
import io.rutile.cli.bench.subject.EchoSubject;
import io.rutile.cli.bench.subject.EtcdSubject;
import io.rutile.cli.bench.subject.GatewaySubject;
import io.rutile.cli.bench.subject.GrpcSubject;
import io.rutile.cli.bench.subject.RaftSubject;
import io.rutile.cli.bench.subject.RestSubject;
import io.rutile.cli.bench.subject.RocksSubject;
import io.rutile.cli.bench.subject.TimestampEchoSubject;
import io.rutile.cli.bench.subject.TxnSubject;
import io.rutile.cli.cluster.ClusterException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** What can be measured, as options call it. */
enum SubjectName {
    GRPC(GrpcSubject.ACTIONS),
    TXN(TxnSubject.ACTIONS),
    REST(RestSubject.ACTIONS),
    GATEWAY(GatewaySubject.ACTIONS),
    ETCD(EtcdSubject.ACTIONS),
    ROCKSDB(RocksSubject.ACTIONS),
    ROCKSDB_NOSYNC(RocksSubject.ACTIONS),
    ECHO(EchoSubject.ACTIONS),
    RAFT(RaftSubject.ACTIONS),
    TSO_ECHO(TimestampEchoSubject.ACTIONS);

    /** The group of all that are no cluster. */
    private static final String FLOOR = "floor";

    private static final List<SubjectName> FLOORS = List.of(ROCKSDB, ROCKSDB_NOSYNC, ECHO, RAFT, TSO_ECHO);

    /** Never changed. */
    @SuppressWarnings("ImmutableEnumChecker")
    private final Set<Action> actions;

    SubjectName(Set<Action> actions) {
        this.actions = actions;
    }

    /** Whether there is anything to be learnt from this workload here. Reads of RocksDB are the same with and without fsync. */
    boolean suits(Workload workload) {
        return actions.containsAll(workload.actions()) && (this != ROCKSDB_NOSYNC || workload.writes());
    }

    /** Whether somebody calls the gateway, and so reads what was loaded through the stores. */
    boolean isThroughTheGateway() {
        return this == REST || this == GATEWAY;
    }

    String optionName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    boolean isFloor() {
        return FLOORS.contains(this);
    }

    /**
     * What a list of options stands for, each once, in order.
     *
     * @throws ClusterException if one stands for nothing
     */
    static List<SubjectName> parse(List<String> options) {
        Set<SubjectName> names = new LinkedHashSet<>();
        for (String option : options) {
            if (option.equals(FLOOR)) {
                names.addAll(FLOORS);
            } else {
                names.add(Arrays.stream(values())
                        .filter(name -> name.optionName().equals(option))
                        .findFirst()
                        .orElseThrow(() -> new ClusterException(
                                "there is no subject " + option + "; choose of " + FLOOR + ", " + all())));
            }
        }
        return new ArrayList<>(names);
    }

    private static String all() {
        return Arrays.stream(values()).map(SubjectName::optionName).collect(Collectors.joining(", "));
    }
}
