package io.rutile.cli.bench;

import io.rutile.cli.bench.load.CommitWay;
import io.rutile.cli.bench.load.Subject;
import io.rutile.cli.bench.subject.EchoSubject;
import io.rutile.cli.bench.subject.EtcdSubject;
import io.rutile.cli.bench.subject.GatewaySubject;
import io.rutile.cli.bench.subject.GrpcSubject;
import io.rutile.cli.bench.subject.RaftSubject;
import io.rutile.cli.bench.subject.RestSubject;
import io.rutile.cli.bench.subject.RocksSubject;
import io.rutile.cli.bench.subject.ServerCpu;
import io.rutile.cli.bench.subject.TimestampEchoSubject;
import io.rutile.cli.bench.subject.TxnSubject;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The subjects of a run: each opened when it is first asked for, all closed together, last opened first. */
final class Subjects implements AutoCloseable {

    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(30);
    private static final int CHANNELS = 2;

    private final Benched benched;
    private final Path floorDir;
    private final int valueBytes;
    private final CommitWay way;
    private final Map<SubjectName, Subject> opened = new EnumMap<>(SubjectName.class);
    private final List<Subject> inOrder = new ArrayList<>();
    private @Nullable RutileClient client;

    /**
     * What is measured, besides floors.
     *
     * @param pdEndpoints members of the Placement Driver
     * @param restUrl the gateway; null if there is none
     * @param gatewayGrpc its gRPC, {@code host:port}; null if there is none
     * @param cpu of the cluster's processes
     * @param etcd its endpoints; empty for none
     * @param etcdPids its processes on this machine, if they are on it
     */
    record Benched(
            List<String> pdEndpoints,
            @Nullable String restUrl,
            @Nullable String gatewayGrpc,
            ServerCpu cpu,
            List<String> etcd,
            List<Long> etcdPids) {}

    /**
     * Opens nothing yet.
     *
     * @param floorDir where floors keep what they write
     * @param valueBytes of what the echo answers
     * @param way how {@link SubjectName#TXN} commits
     */
    Subjects(Benched benched, Path floorDir, int valueBytes, CommitWay way) {
        this.benched = benched;
        this.floorDir = floorDir;
        this.valueBytes = valueBytes;
        this.way = way;
    }

    Subject get(SubjectName name) throws InterruptedException {
        Subject known = opened.get(name);
        if (known != null) {
            return known;
        }
        Subject fresh = open(name);
        opened.put(name, fresh);
        inOrder.add(0, fresh);
        return fresh;
    }

    /** Of the cluster. */
    RutileClient client() {
        RutileClient now = client;
        if (now == null) {
            now = RutileClient.connect(
                    new RutileClientOptions(benched.pdEndpoints(), CALL_TIMEOUT, CONNECT_TIMEOUT, CHANNELS));
            client = now;
        }
        return now;
    }

    private Subject open(SubjectName name) throws InterruptedException {
        return switch (name) {
            case GRPC -> new GrpcSubject(client(), benched.cpu());
            case TXN -> new TxnSubject(client(), way, benched.cpu());
            case REST -> {
                String url = benched.restUrl();
                if (url == null) {
                    throw new ClusterException("--rest names the gateway of a cluster elsewhere; there is none to ask");
                }
                yield new RestSubject(url, benched.cpu());
            }
            case GATEWAY -> {
                String address = benched.gatewayGrpc();
                if (address == null) {
                    throw new ClusterException(
                            "--gateway-grpc names the gRPC of a gateway elsewhere; there is none to ask");
                }
                yield new GatewaySubject(address, CHANNELS, benched.cpu());
            }
            case ETCD -> {
                if (benched.etcd().isEmpty()) {
                    throw new ClusterException("--etcd names the etcd that is to be measured");
                }
                yield new EtcdSubject(
                        benched.etcd(),
                        ServerCpu.ofProcesses(
                                benched.etcdPids().stream().collect(Collectors.toMap(pid -> pid, pid -> "etcd"))));
            }
            case ROCKSDB -> new RocksSubject(floorDir.resolve("rocksdb"), true);
            case ROCKSDB_NOSYNC -> new RocksSubject(floorDir.resolve("rocksdb-nosync"), false);
            case ECHO -> new EchoSubject(floorDir, valueBytes, CHANNELS);
            case RAFT -> new RaftSubject(floorDir);
            case TSO_ECHO -> new TimestampEchoSubject(floorDir);
        };
    }

    @Override
    public void close() {
        inOrder.forEach(Subject::close);
        RutileClient now = client;
        if (now != null) {
            now.close();
        }
    }
}
