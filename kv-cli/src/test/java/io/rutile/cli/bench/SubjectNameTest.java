package io.rutile.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.bench.load.Workload;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class SubjectNameTest {

    @Test
    void aFloorIsMeasuredWhereItHasSomethingToSay() {
        assertThat(who(Workload.GET)).containsExactly("grpc", "txn", "rest", "gateway", "etcd", "rocksdb", "echo");
        assertThat(who(Workload.PUT))
                .containsExactly("grpc", "txn", "rest", "gateway", "etcd", "rocksdb", "rocksdb-nosync", "echo", "raft");
        assertThat(who(Workload.TSO)).containsExactly("grpc", "tso-echo");
        assertThat(who(Workload.YCSB_E)).containsExactly("grpc", "txn", "rest", "etcd", "rocksdb", "rocksdb-nosync");
        assertThat(who(Workload.HELD_GET)).containsExactly("grpc");
        assertThat(who(Workload.TXN8)).containsExactly("grpc", "etcd", "rocksdb", "rocksdb-nosync");
    }

    @Test
    void floorStandsForAllOfThem() {
        assertThat(SubjectName.parse(List.of("echo", "grpc", "floor")))
                .containsExactly(
                        SubjectName.ECHO,
                        SubjectName.GRPC,
                        SubjectName.ROCKSDB,
                        SubjectName.ROCKSDB_NOSYNC,
                        SubjectName.RAFT,
                        SubjectName.TSO_ECHO);
    }

    private static List<String> who(Workload workload) {
        return Arrays.stream(SubjectName.values())
                .filter(name -> name.suits(workload))
                .map(SubjectName::optionName)
                .toList();
    }
}
