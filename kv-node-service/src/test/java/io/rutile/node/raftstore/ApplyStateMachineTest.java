package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.raft.Replica;
import io.rutile.raft.Replicas;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.EngineException;
import io.rutile.storage.engine.EngineSnapshot;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.RocksOptions;
import io.rutile.storage.engine.WriteBatch;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Apply and images on a real engine, without Raft. */
class ApplyStateMachineTest {

    private static final Replica SELF = new Replica(1, 11);
    private static final Region REGION = Region.newBuilder()
            .setId(5)
            .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(1).setVersion(1))
            .addPeers(Peer.newBuilder().setId(11).setStoreId(1))
            .build();

    @TempDir
    Path dir;

    private RocksEngine engine;
    private RegionStateStore states;
    private final List<String> news = new ArrayList<>();
    private final List<ApplyStateMachine> machines = new ArrayList<>();

    @BeforeEach
    void open() {
        engine = RocksEngine.open(dir.resolve("db"), RocksOptions.withMemory(16 << 20));
        states = new RegionStateStore(engine);
        states.put(RegionState.normal(11, REGION), 5);
    }

    @AfterEach
    void close() {
        machines.forEach(ApplyStateMachine::close);
        engine.close();
    }

    /** Lets everything be born that {@link #unborn} does not name. */
    private final ApplyStateMachine.Ranges ranges = new ApplyStateMachine.Ranges() {
        @Override
        public void claim(ApplyStateMachine replica, RegionState next, Consumer<List<RegionState>> claim) {
            claim.accept(List.of());
        }

        @Override
        public void exchange(
                ApplyStateMachine region, ApplyBatch changes, Consumer<ApplyStateMachine.Exchange> publish) {
            List<RegionState> born = changes.children().stream()
                    .filter(child -> !unborn.contains(child.regionId()))
                    .toList();
            publish.accept(new ApplyStateMachine.Exchange(changes.state(), born, others));
        }
    };

    private final Set<Long> unborn = new HashSet<>();

    /** What an exchange means for other Regions. */
    private final List<RegionState> others = new ArrayList<>();

    private final AtomicBoolean readableDuringImage = new AtomicBoolean(true);

    /** Whether a read at a follower would be given a snapshot. */
    private static boolean isReadable(ApplyStateMachine replica) {
        EngineSnapshot snapshot = replica.settledSnapshot();
        if (snapshot == null) {
            return false;
        }
        snapshot.close();
        return true;
    }

    private RegionImages images() {
        return new RegionImages(
                engine, states, dir.resolve("staging"), (replica, next, claim) -> claim.accept(List.of()));
    }

    private ApplyStateMachine machine() {
        return machine(engine, states, SELF, states.state(5).orElse(null));
    }

    private ApplyStateMachine machine(
            RocksEngine on, RegionStateStore with, Replica self, @Nullable RegionState state) {
        ApplyStateMachine machine = new ApplyStateMachine(
                5,
                self,
                on,
                with,
                new RegionImages(on, with, dir.resolve("staging"), (replica, next, claim) -> {
                    claim.accept(List.of());
                    readableDuringImage.set(isReadable(replica));
                }),
                ranges,
                NoLocks.applied(),
                state);
        machines.add(machine);
        machine.listen(new ApplyStateMachine.Listener() {
            @Override
            public void onLeaderStart(long term) {
                news.add("leads " + term);
            }

            @Override
            public void onLeaderStop() {
                news.add("follows");
            }

            @Override
            public void onRegionChanged() {
                news.add("changed");
            }

            @Override
            public void onSplit() {
                news.add("split");
            }

            @Override
            public void onAbsorb() {
                news.add("absorbs");
            }

            @Override
            public void onExpelled() {
                news.add("expelled");
            }

            @Override
            public void onDissolved() {
                news.add("dissolved");
            }

            @Override
            public void onFailure(Throwable cause) {
                news.add("failed");
            }

            @Override
            public byte @Nullable [] onReadIndex(byte[] question) {
                return null;
            }
        });
        return machine;
    }

    private static byte[] put(long version, String key, String value) {
        return RaftCommand.Write.encode(
                RegionEpoch.newBuilder().setVersion(version).setConfVer(1).build(),
                new WriteBatch().put(Cf.RAW, key(key), value.getBytes(StandardCharsets.UTF_8)));
    }

    private static byte[] change(long confVer, PeerChange.Kind kind, long id, long storeId) {
        return new RaftCommand.ChangePeer(
                        RegionEpoch.newBuilder()
                                .setVersion(1)
                                .setConfVer(confVer)
                                .build(),
                        new PeerChange(
                                kind,
                                Peer.newBuilder().setId(id).setStoreId(storeId).build()))
                .encode();
    }

    private static ByteKey key(String text) {
        return ByteKey.of(ByteString.copyFromUtf8(text));
    }

    private @Nullable String value(String key) {
        return value(engine, key);
    }

    private static @Nullable String value(RocksEngine engine, String key) {
        byte[] value = engine.get(Cf.RAW, key(key).bytes());
        return value == null ? null : new String(value, StandardCharsets.UTF_8);
    }

    private static RegionException refusal(ListedEntries entries, int entry) {
        return Objects.requireNonNull(entries.outcomes.get(entry).refusal());
    }

    private static RegionState state(ApplyStateMachine machine) {
        return Objects.requireNonNull(machine.state());
    }

    @Test
    void r1_dataAndIndexBecomeVisibleTogether() {
        ApplyStateMachine machine = machine();

        machine.apply(ListedEntries.of(6, put(1, "a", "1"), put(1, "b", "2"), put(1, "a", "3")));

        assertThat(value("a")).isEqualTo("3");
        assertThat(value("b")).isEqualTo("2");
        assertThat(machine.appliedIndex()).isEqualTo(8);
        assertThat(states.appliedIndex(5)).isEqualTo(8);
        assertThat(machine.traffic().totals().keysWritten()).isEqualTo(3);
    }

    @Test
    void r1_aReplayAfterARestartSkipsWhatIsThere() {
        machine().apply(ListedEntries.of(6, put(1, "a", "old"), put(1, "b", "b")));
        engine.write(new WriteBatch().put(Cf.RAW, key("a"), new byte[] {'x'}), false);
        ApplyStateMachine restarted = machine();

        restarted.apply(ListedEntries.of(6, put(1, "a", "old"), put(1, "b", "b"), put(1, "c", "c")));

        assertThat(value("a")).isEqualTo("x");
        assertThat(value("c")).isEqualTo("c");
        assertThat(restarted.appliedIndex()).isEqualTo(8);
    }

    @Test
    void r4_aCommandOfAnotherEpochChangesNothingAndSaysSo() {
        ApplyStateMachine machine = machine();
        ListedEntries entries = ListedEntries.of(6, put(2, "a", "1"), put(1, "b", "2"));

        machine.apply(entries);

        assertThat(value("a")).isNull();
        assertThat(value("b")).isEqualTo("2");
        assertThat(refusal(entries, 0).error().getEpochNotMatch().getCurrentRegionsList())
                .containsExactly(REGION);
        assertThat(entries.outcomes.get(1)).isEqualTo(ApplyOutcome.DONE);
        assertThat(machine.appliedIndex()).isEqualTo(7);
    }

    @Test
    void r4_theSecondOfTwoChangesDecidedOnOneMembershipIsRefused() {
        ApplyStateMachine machine = machine();
        ListedEntries entries = ListedEntries.of(
                6,
                change(1, PeerChange.Kind.ADD_VOTER, 12, 2),
                change(1, PeerChange.Kind.ADD_VOTER, 13, 3),
                put(1, "a", "1"));

        machine.apply(entries);

        RegionState now = states.state(5).orElseThrow();
        assertThat(now.region().getPeersCount()).isEqualTo(2);
        assertThat(now.region().getRegionEpoch().getConfVer()).isEqualTo(2);
        assertThat(machine.state()).isEqualTo(now);
        assertThat(refusal(entries, 1).error().hasEpochNotMatch()).isTrue();
        assertThat(value("a")).isEqualTo("1");
        assertThat(news).containsExactly("changed");
    }

    @Test
    void aChangeThatCantBeMadeIsRefusedOnEveryReplicaAlike() {
        ApplyStateMachine machine = machine();
        ListedEntries entries = ListedEntries.of(6, change(1, PeerChange.Kind.REMOVE, 11, 1));

        machine.apply(entries);

        assertThat(refusal(entries, 0)).hasMessageContaining("last voter");
        assertThat(state(machine).region()).isEqualTo(REGION);
    }

    @Test
    void anOpenDeleteRangeEndsWhereTheRegionEnds() {
        Region bounded = REGION.toBuilder()
                .setStartKey(ByteString.copyFromUtf8("b"))
                .setEndKey(ByteString.copyFromUtf8("d"))
                .build();
        states.put(RegionState.normal(11, bounded), 5);
        for (String key : new String[] {"a", "b", "c", "d"}) {
            engine.write(new WriteBatch().put(Cf.RAW, key(key), new byte[] {'v'}), false);
        }

        machine()
                .apply(ListedEntries.of(
                        6,
                        RaftCommand.Write.encode(
                                bounded.getRegionEpoch(),
                                new WriteBatch().deleteRange(Cf.RAW, key("b"), ByteKey.EMPTY))));

        assertThat(value("a")).isEqualTo("v");
        assertThat(value("b")).isNull();
        assertThat(value("c")).isNull();
        assertThat(value("d")).isEqualTo("v");
    }

    @Test
    void r2_aReplicaWithoutAnImageNeverReplaysALog() {
        ApplyStateMachine empty = machine(engine, states, new Replica(1, 99), null);

        assertThatThrownBy(() -> empty.apply(ListedEntries.of(1, put(1, "a", "1"))))
                .isInstanceOf(IllegalStateException.class);
        assertThat(value("a")).isNull();
    }

    @Test
    void anEntryThatIsNoCommandPoisonsAndWritesNothing() {
        ApplyStateMachine machine = machine();

        assertThatThrownBy(() -> machine.apply(ListedEntries.of(6, put(1, "a", "1"), new byte[] {9})))
                .isInstanceOf(IllegalArgumentException.class);

        assertThat(value("a")).isNull();
        assertThat(states.appliedIndex(5)).isEqualTo(5);
    }

    @Test
    void anImageMovesEverythingToAnotherStore() throws IOException {
        ApplyStateMachine machine = machine();
        machine.apply(ListedEntries.of(6, put(1, "a", "1"), change(1, PeerChange.Kind.ADD_VOTER, 12, 2)));
        Path image = Files.createDirectory(dir.resolve("image"));

        long index = machine.writeImage(image);

        try (RocksEngine other = RocksEngine.open(dir.resolve("db2"), RocksOptions.withMemory(16 << 20))) {
            RegionStateStore otherStates = new RegionStateStore(other);
            other.write(new WriteBatch().put(Cf.RAW, key("stale"), new byte[] {'x'}), false);
            ApplyStateMachine receiver = machine(other, otherStates, new Replica(2, 12), null);

            assertThat(isReadable(receiver)).isTrue();
            receiver.installImage(image);

            assertThat(readableDuringImage).as("half an image is not read").isFalse();
            assertThat(isReadable(receiver)).isTrue();
            assertThat(index).isEqualTo(7);
            assertThat(receiver.appliedIndex()).isEqualTo(7);
            assertThat(otherStates.appliedIndex(5)).isEqualTo(7);
            assertThat(value(other, "a")).isEqualTo("1");
            assertThat(value(other, "stale")).isNull();
            assertThat(receiver.state())
                    .isEqualTo(RegionState.normal(12, state(machine).region()));
            receiver.apply(ListedEntries.of(8, put(1, "b", "2")));
            assertThat(value(other, "b")).isEqualTo("2");
            receiver.close();
        }
    }

    @Test
    void aDamagedImageIsRefusedAndNothingIsLost() throws IOException {
        ApplyStateMachine machine = machine();
        machine.apply(ListedEntries.of(6, put(1, "a", "1")));
        Path image = Files.createDirectory(dir.resolve("image"));
        machine.writeImage(image);
        Path table = image.resolve("raw-0.sst");
        byte[] bytes = Files.readAllBytes(table);
        bytes[bytes.length / 2] ^= 1;
        Files.write(table, bytes);

        assertThatThrownBy(() -> machine.installImage(image)).isInstanceOf(IOException.class);
        Files.delete(image.resolve(ImageManifest.FILE));
        assertThatThrownBy(() -> machine.installImage(image)).isInstanceOf(IOException.class);

        assertThat(isReadable(machine)).isTrue();
        assertThat(value("a")).isEqualTo("1");
        assertThat(states.state(5).orElseThrow().status()).isEqualTo(RegionState.Status.NORMAL);
    }

    @Test
    void r6_anImageForARangeThatIsTakenIsRefused() throws IOException {
        ApplyStateMachine machine = machine();
        Path image = Files.createDirectory(dir.resolve("image"));
        machine.writeImage(image);
        RegionImages strict = new RegionImages(engine, states, dir.resolve("staging"), (replica, next, claim) -> {
            throw new IOException("region 5 overlaps region 6");
        });

        assertThatThrownBy(() -> strict.install(machine, image)).hasMessageContaining("overlaps");

        assertThat(state(machine).status()).isEqualTo(RegionState.Status.NORMAL);
    }

    @Test
    void r1_anImageThatACrashInterruptedIsFinishedAtTheNextStart() throws IOException {
        ApplyStateMachine machine = machine();
        machine.apply(ListedEntries.of(6, put(1, "a", "1")));
        Path image = Files.createDirectory(dir.resolve("image"));
        machine.writeImage(image);
        machine.apply(ListedEntries.of(7, put(1, "a", "newer"), put(1, "b", "newer")));

        // The process dies between the note that the image is being applied and the end.
        RegionImages dying = new RegionImages(engine, states, dir.resolve("staging"), (replica, next, claim) -> {
            claim.accept(List.of());
            throw new IOException("killed");
        });
        assertThatThrownBy(() -> dying.install(machine, image)).hasMessageContaining("killed");
        RegionState found = states.state(5).orElseThrow();
        assertThat(found.status()).isEqualTo(RegionState.Status.APPLYING);

        RegionState done = images().resume(found);

        assertThat(done).isEqualTo(RegionState.normal(11, REGION));
        assertThat(states.state(5)).contains(done);
        assertThat(states.appliedIndex(5)).isEqualTo(6);
        assertThat(value("a")).isEqualTo("1");
        assertThat(value("b")).isNull();
    }

    @Test
    void r1_anImageCanBeAppliedTwice() throws IOException {
        ApplyStateMachine machine = machine();
        machine.apply(ListedEntries.of(6, put(1, "a", "1")));
        Path image = Files.createDirectory(dir.resolve("image"));
        machine.writeImage(image);
        RegionImages dying = new RegionImages(engine, states, dir.resolve("staging"), (replica, next, claim) -> {
            claim.accept(List.of());
            throw new IOException("killed");
        });
        assertThatThrownBy(() -> dying.install(machine, image)).isInstanceOf(IOException.class);
        RegionState found = states.state(5).orElseThrow();
        // The second death comes after the tables went in and before the note is gone.
        Path staged = dir.resolve("staging").resolve("region-5");
        Path again = Files.createDirectory(dir.resolve("again"));
        try (var files = Files.newDirectoryStream(staged)) {
            for (Path file : files) {
                Files.createLink(again.resolve(file.getFileName()), file);
            }
        }
        images().resume(found);
        states.put(found, 6);
        Files.move(again, staged);

        RegionState done = images().resume(found);

        assertThat(done.status()).isEqualTo(RegionState.Status.NORMAL);
        assertThat(value("a")).isEqualTo("1");
    }

    @Test
    void aReplicaLearnsThatNobodyWantsItAnyMore() {
        ApplyStateMachine machine = machine();
        machine.apply(ListedEntries.of(
                6, change(1, PeerChange.Kind.ADD_VOTER, 12, 2), change(2, PeerChange.Kind.REMOVE, 11, 1)));
        news.clear();

        machine.onReplicas(Replicas.ofVoters(SELF, new Replica(2, 12)));
        assertThat(news).isEmpty();
        machine.onReplicas(Replicas.ofVoters(new Replica(2, 12)));

        assertThat(news).containsExactly("expelled");
    }

    // ---- splits

    private static byte[] split(long version, RegionSplit.Piece... pieces) {
        return new RaftCommand.Split(
                        RegionEpoch.newBuilder()
                                .setVersion(version)
                                .setConfVer(1)
                                .build(),
                        new RegionSplit(List.of(pieces)))
                .encode();
    }

    private static RegionSplit.Piece piece(String end, long regionId) {
        return new RegionSplit.Piece(key(end), regionId, List.of(regionId + 1));
    }

    @Test
    void r1_aSplitShrinksTheRegionAndBearsItsPiecesInOneStep() {
        ApplyStateMachine machine = machine();

        ListedEntries entries = ListedEntries.of(
                6, put(1, "a", "1"), split(1, piece("f", 20), piece("m", 30)), put(1, "b", "late"), put(3, "x", "2"));
        machine.apply(entries);

        Region parent = state(machine).region();
        assertThat(parent.getStartKey().toStringUtf8()).isEqualTo("m");
        assertThat(parent.getEndKey().isEmpty()).isTrue();
        assertThat(parent.getRegionEpoch().getVersion()).isEqualTo(3);
        assertThat(states.state(5)).contains(state(machine));
        assertThat(states.appliedIndex(5)).isEqualTo(9);
        RegionState second = states.state(30).orElseThrow();
        assertThat(second.peerId()).isEqualTo(31);
        assertThat(second.region().getStartKey().toStringUtf8()).isEqualTo("f");
        assertThat(second.region().getEndKey().toStringUtf8()).isEqualTo("m");
        assertThat(second.region().getRegionEpoch().getVersion()).isEqualTo(3);
        assertThat(states.appliedIndex(20)).isEqualTo(RaftStore.FIRST_INDEX);
        assertThat(entries.outcomes.get(1).regions()).extracting(Region::getId).containsExactly(20L, 30L, 5L);
        // R4: what was checked against the Region as it was before changes nothing.
        assertThat(entries.outcomes.get(2).refusal()).isNotNull();
        assertThat(value("a")).isEqualTo("1");
        assertThat(value("b")).isNull();
        assertThat(value("x")).isEqualTo("2");
        assertThat(news).containsExactly("split");
    }

    /** Whoever asks whose range it is, while the replica is dead, must hear what is on disk. */
    @Test
    void r6_aSplitThatCouldNotBeWrittenHasNotHappened() {
        RegionState before = states.state(5).orElseThrow();
        EngineException full = new EngineException(EngineException.Kind.NO_SPACE, "full", null);
        ApplyStateMachine machine = new ApplyStateMachine(
                5,
                SELF,
                engine,
                states,
                images(),
                ranges,
                NoLocks.applied(),
                (batch, sync) -> {
                    throw full;
                },
                before);
        machines.add(machine);

        assertThatThrownBy(() -> machine.apply(ListedEntries.of(6, split(1, piece("m", 20)))))
                .isSameAs(full);

        assertThat(state(machine)).isEqualTo(before);
        assertThat(machine.appliedIndex()).isEqualTo(5);
        assertThat(states.states()).containsExactly(before);
    }

    /** R1: old data is gone, new data is not all there; entries on top of that would be right nowhere. */
    @Test
    void r1_nothingIsAppliedOnHalfAnImage() {
        RegionState half = states.state(5).orElseThrow().with(RegionState.Status.APPLYING);
        ApplyStateMachine machine = machine(engine, states, SELF, half);

        assertThatThrownBy(() -> machine.apply(ListedEntries.of(6, put(1, "a", "1"))))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("half in place");

        assertThat(value("a")).isNull();
    }

    @Test
    void r4_aSplitThatNoLongerFitsIsRefusedOnEveryReplicaAlike() {
        ApplyStateMachine machine = machine();

        ListedEntries entries = ListedEntries.of(
                6,
                split(1, piece("m", 20)),
                split(1, piece("x", 30)),
                split(2, piece("m", 40)),
                split(2, piece("p", 50), piece("p", 60)),
                split(2, new RegionSplit.Piece(key("p"), 70, List.of(71L, 72L))));
        machine.apply(entries);

        assertThat(entries.outcomes.stream().map(outcome -> outcome.refusal() == null))
                .containsExactly(true, false, false, false, false);
        assertThat(state(machine).region().getRegionEpoch().getVersion()).isEqualTo(2);
        assertThat(states.states()).extracting(RegionState::regionId).containsExactly(5L, 20L);
    }

    @Test
    void r5_aPieceThatDoesNotLiveHereLeavesNoDataBehind() {
        ApplyStateMachine machine = machine();
        unborn.add(20L);

        machine.apply(ListedEntries.of(6, put(1, "a", "1"), put(1, "x", "2"), split(1, piece("m", 20))));

        assertThat(states.state(20)).isEmpty();
        assertThat(value("a")).isNull();
        assertThat(value("x")).isEqualTo("2");
    }

    @Test
    void r2_anImageFromBehindASplitLeavesNothingOfWhatWasCutOff() throws IOException {
        ApplyStateMachine ahead = machine();
        ahead.apply(ListedEntries.of(6, put(1, "a", "1"), put(1, "x", "2"), split(1, piece("m", 20))));
        Path image = Files.createDirectory(dir.resolve("image"));
        ahead.writeImage(image);
        RocksEngine other = RocksEngine.open(dir.resolve("other"), RocksOptions.withMemory(16 << 20));
        RegionStateStore otherStates = new RegionStateStore(other);
        otherStates.put(RegionState.normal(11, REGION), 5);
        ApplyStateMachine behind =
                machine(other, otherStates, SELF, otherStates.state(5).orElse(null));
        behind.apply(ListedEntries.of(6, put(1, "a", "1")));

        behind.installImage(image);

        assertThat(other.get(Cf.RAW, key("a").bytes())).isNull();
        assertThat(other.get(Cf.RAW, key("x").bytes())).isEqualTo("2".getBytes(StandardCharsets.UTF_8));
        assertThat(state(behind).region().getStartKey().toStringUtf8()).isEqualTo("m");
        behind.close();
        other.close();
    }

    // ---- merges

    private static final Region SOURCE = RegionMergeTest.region(5, "", "m", 1, 1, 1);
    private static final Region TARGET = RegionMergeTest.region(6, "m", "", 1, 1, 1);

    private ApplyStateMachine source() {
        states.put(RegionState.normal(11, SOURCE), 5);
        return machine();
    }

    private static byte[] prepare() {
        return new RaftCommand.PrepareMerge(SOURCE.getRegionEpoch(), TARGET).encode();
    }

    private static byte[] rollback(long index) {
        return new RaftCommand.RollbackMerge(RegionMerge.prepared(SOURCE).getRegionEpoch(), index).encode();
    }

    /** R4: whatever was decided before the prepare entry, or is tried after it, changes nothing on any replica. */
    @Test
    void r4_aPreparedRegionTakesNothingMore() {
        ApplyStateMachine machine = source();

        ListedEntries entries = ListedEntries.of(
                6, put(1, "a", "1"), prepare(), put(1, "b", "2"), put(2, "c", "3"), split(2, piece("f", 20)));
        machine.apply(entries);

        assertThat(entries.outcomes.get(1)).isEqualTo(ApplyOutcome.DONE);
        assertThat(refusal(entries, 2).error().hasEpochNotMatch()).isTrue();
        assertThat(refusal(entries, 3).error().hasProposalInMergingMode()).isTrue();
        assertThat(refusal(entries, 4)).isNotNull();
        assertThat(value("a")).isEqualTo("1");
        assertThat(value("b")).isNull();
        assertThat(value("c")).isNull();
        assertThat(states.state(5))
                .contains(RegionState.normal(11, RegionMerge.prepared(SOURCE)).with(new RegionMerge(TARGET, 7, false)));
        assertThat(states.appliedIndex(5)).isEqualTo(10);
    }

    @Test
    void aRollbackEndsTheMergeThatItNamesAndNoOther() {
        ApplyStateMachine machine = source();

        ListedEntries entries = ListedEntries.of(6, prepare(), rollback(5), rollback(6), rollback(6), put(3, "a", "1"));
        machine.apply(entries);

        assertThat(refusal(entries, 1)).hasMessageContaining("no merge of index 5");
        assertThat(entries.outcomes.get(2)).isEqualTo(ApplyOutcome.DONE);
        assertThat(refusal(entries, 3).error().hasEpochNotMatch()).isTrue();
        assertThat(value("a")).isEqualTo("1");
        assertThat(state(machine).isMerging()).isFalse();
        assertThat(state(machine).region().getRegionEpoch().getVersion()).isEqualTo(3);
    }

    /** R1: the target's new range and the end of the source are one step; what follows in the log finds the new range. */
    @Test
    void r1_aCommittedMergeChangesBothRegionsInOneStep() {
        Region target = RegionMergeTest.region(5, "m", "", 1, 1, 1);
        Region prepared = RegionMerge.prepared(RegionMergeTest.region(6, "", "m", 1, 1, 1));
        states.put(RegionState.normal(11, target), 5);
        RegionState ended = RegionState.normal(61, prepared)
                .with(new RegionMerge(target, 9, false))
                .with(RegionState.Status.MERGED);
        others.add(ended);
        ApplyStateMachine machine = machine();

        machine.apply(ListedEntries.of(
                6, new RaftCommand.CommitMerge(target.getRegionEpoch(), 9, prepared).encode(), put(3, "a", "1")));

        assertThat(state(machine).region()).isEqualTo(RegionMerge.merged(prepared, target));
        assertThat(states.state(5)).contains(state(machine));
        assertThat(states.state(6)).contains(ended);
        assertThat(value("a")).isEqualTo("1");
        assertThat(news)
                .as("max_ts is owed before anybody can see the new range (P4)")
                .containsExactly("absorbs", "changed");
    }

    /** A word is kept: an image from before the prepare entry would let the replica read and write again. */
    @Test
    void r7_aPreparedReplicaTakesNoImageFromBeforeIt() throws IOException {
        ApplyStateMachine machine = source();
        Path image = Files.createDirectory(dir.resolve("image"));
        machine.writeImage(image);
        machine.apply(ListedEntries.of(6, prepare()));

        assertThatThrownBy(() -> machine.installImage(image)).hasMessageContaining("before its merge was prepared");
        assertThat(state(machine).isMerging()).isTrue();

        Path later = Files.createDirectory(dir.resolve("later"));
        machine.writeImage(later);
        machine.installImage(later);
        assertThat(state(machine).isMerging()).as("an image carries the merge").isTrue();
    }
}
