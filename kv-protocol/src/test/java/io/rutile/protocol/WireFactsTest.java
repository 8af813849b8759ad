package io.rutile.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.FileDescriptor;
import io.rutile.protocol.cdcpb.ChangeDataRequest;
import io.rutile.protocol.debugpb.GetRequest;
import io.rutile.protocol.etcdserverpb.RangeRequest;
import io.rutile.protocol.import_sstpb.SSTMeta;
import io.rutile.protocol.keyspacepb.KeyspaceMeta;
import io.rutile.protocol.meta_storagepb.PutRequest;
import io.rutile.protocol.pdpb.TsoRequest;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Our compiled messages say on the wire what the tables of facts say, row by row and in both directions. */
class WireFactsTest {

    private static final Map<String, FileDescriptor> KV = WireFacts.closure(List.of(
            BatchCommandsRequest.getDescriptor().getFile(),
            TsoRequest.getDescriptor().getFile(),
            KeyspaceMeta.getDescriptor().getFile(),
            PutRequest.getDescriptor().getFile(),
            GetRequest.getDescriptor().getFile(),
            SSTMeta.getDescriptor().getFile(),
            io.rutile.protocol.tsopb.TsoRequest.getDescriptor().getFile(),
            io.rutile.protocol.deadlock.DeadlockRequest.getDescriptor().getFile(),
            ChangeDataRequest.getDescriptor().getFile()));

    private static final Map<String, FileDescriptor> ETCD =
            WireFacts.closure(List.of(RangeRequest.getDescriptor().getFile()));

    /** Services of other components (a log service, routing, …) that neither stores nor PD serve here. */
    private static final Set<String> NOT_CARRIED = Set.of(
            "autoid.proto",
            "configpb.proto",
            "diagnosticspb.proto",
            "enginepb.proto",
            "gcpb.proto",
            "logbackuppb.proto",
            "recoverdatapb.proto",
            "resource_usage_agent.proto",
            "routerpb.proto",
            "schedulingpb.proto");

    static Stream<String> kvFiles() {
        return fileNames("kvproto-facts.tsv").stream().filter(name -> !NOT_CARRIED.contains(name));
    }

    static Stream<String> etcdFiles() {
        return fileNames("etcd-facts.tsv").stream();
    }

    @ParameterizedTest
    @MethodSource("kvFiles")
    void kvMessagesAreWireIdenticalToTheFacts(String file) {
        assertSameRows("kvproto-facts.tsv", file, KV);
    }

    @ParameterizedTest
    @MethodSource("etcdFiles")
    void etcdMessagesAreWireIdenticalToTheFacts(String file) {
        assertSameRows("etcd-facts.tsv", file, ETCD);
    }

    private static void assertSameRows(String table, String file, Map<String, FileDescriptor> compiled) {
        assertThat(compiled).as("compiled files").containsKey(file);
        FileDescriptor descriptor = Objects.requireNonNull(compiled.get(file));
        Set<String> facts = WireFacts.table(table).stream()
                .filter(row -> row.get(1).equals(descriptor.getPackage()))
                .map(row -> String.join("|", row))
                .collect(Collectors.toCollection(TreeSet::new));

        Set<String> ours = WireFacts.rows(descriptor).stream()
                .map(row -> String.join("|", row))
                .collect(Collectors.toCollection(TreeSet::new));

        assertThat(facts).as("facts about " + file).hasSizeGreaterThan(1);
        assertThat(minus(facts, ours)).as("facts that our messages lack").isEmpty();
        assertThat(minus(ours, facts)).as("ours that are no fact").isEmpty();
    }

    private static Set<String> minus(Set<String> all, Set<String> without) {
        Set<String> rest = new TreeSet<>(all);
        rest.removeAll(without);
        return rest;
    }

    private static List<String> fileNames(String table) {
        return WireFacts.table(table).stream()
                .filter(row -> row.get(0).equals("file"))
                .map(row -> row.get(2))
                .toList();
    }
}
