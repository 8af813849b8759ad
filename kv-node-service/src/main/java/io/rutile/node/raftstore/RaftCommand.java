package io.rutile.node.raftstore;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.Epochs;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.WriteBatch;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * What a Region's log carries. Each kind knows its own bytes, which epoch it compares and how it is applied.
 *
 * <pre>
 * command     := format(1)=01 kind(1) epoch body
 * epoch       := varint(version) varint(conf_ver)        what the proposer checked against (R4)
 * write       := kind 01, body = op*                     to the end of the entry
 *   op        := put | delete | delete_range             tag = what * 16 + id of the column family
 *   put       := tag(1)=0x varint(len) key varint(len) value
 *   delete    := tag(1)=1x varint(len) key
 *   del_range := tag(1)=2x varint(len) start varint(len) end
 * change_peer := kind 02, body = what(1) varint(peer_id) varint(store_id)
 * split       := kind 03, body = varint(pieces) piece*
 *   piece     := varint(len) end_key varint(region_id) varint(peers) varint(peer_id)*
 * prepare   := kind 05, body = varint(len) region        the target as metapb.Region; goes into the source's log
 * commit    := kind 06, body = varint(index) varint(len) region      prepare's index, the prepared source; target's log
 * rollback  := kind 07, body = varint(index)             prepare's index; source's log
 * call_off  := kind 09, body = varint(region_id)         of the source; target's log
 * change_peers := kind 04, body = varint(changes) change*
 *   change    := what(1) varint(peer_id) varint(store_id)
 * hash        := kind 08, body = what(1)=00                        every replica hashes what it holds right here
 *              | kind 08, body = what(1)=01 varint(index) hash(32)  what the leader has found at that index
 * </pre>
 *
 * A format number that this process doesn't know poisons the replica instead of being guessed at. See
 * docs/formats/raft-command.md.
 */
sealed interface RaftCommand {

    /** First byte of every command. */
    byte FORMAT = 1;

    /** Largest encoded command: one value of the largest size, with its key and the grammar around both. */
    int BYTES_MAX = WireLimits.ENTRY_BYTES_MAX + WireLimits.KEY_BYTES_MAX + 64;

    /** What the proposer's check was made against. */
    RegionEpoch epoch();

    /** The check of R4, made again on every replica with the same result. */
    boolean fits(RegionEpoch current);

    /**
     * Takes effect inside the batch of one apply; called only if it {@link #fits}.
     *
     * @return what the proposer is told
     */
    ApplyOutcome applyTo(ApplyBatch batch);

    /** True if it may take effect while the Region is merging into another: what doesn't touch data, range or members. */
    default boolean fitsMerging() {
        return false;
    }

    /** Its bytes as they go into the log. */
    byte[] encode();

    /**
     * Reads what {@link #encode} wrote. Of a write only the frame is read; its operations follow when it is applied.
     *
     * @param entry read to its end or less; the command may keep a view of it
     * @throws IllegalArgumentException if these bytes are no command of a known format
     */
    static RaftCommand decode(ByteBuffer entry) {
        try {
            byte format = entry.get();
            if (format != FORMAT) {
                throw new IllegalArgumentException("unknown command format " + format);
            }
            byte kind = entry.get();
            RegionEpoch epoch = RegionEpoch.newBuilder()
                    .setVersion(Varint.read(entry))
                    .setConfVer(Varint.read(entry))
                    .build();
            return switch (kind) {
                case Write.KIND -> new Write(epoch, entry.slice());
                case ChangePeer.KIND -> ChangePeer.decodeBody(epoch, entry);
                case Split.KIND -> Split.decodeBody(epoch, entry);
                case PrepareMerge.KIND -> PrepareMerge.decodeBody(epoch, entry);
                case CommitMerge.KIND -> CommitMerge.decodeBody(epoch, entry);
                case RollbackMerge.KIND -> RollbackMerge.decodeBody(epoch, entry);
                case CallOffMerge.KIND -> CallOffMerge.decodeBody(epoch, entry);
                case ChangePeers.KIND -> ChangePeers.decodeBody(epoch, entry);
                case ComputeHash.KIND -> HashCommands.decodeBody(epoch, entry);
                default -> throw new IllegalArgumentException("unknown kind of command " + kind);
            };
        } catch (BufferUnderflowException e) {
            throw new IllegalArgumentException("command ends early", e);
        }
    }

    private static int headerBytes(RegionEpoch epoch) {
        return 2 + Varint.sizeBytes(epoch.getVersion()) + Varint.sizeBytes(epoch.getConfVer());
    }

    private static void putHeader(ByteBuffer out, byte kind, RegionEpoch epoch) {
        out.put(FORMAT).put(kind);
        Varint.write(out, epoch.getVersion());
        Varint.write(out, epoch.getConfVer());
    }

    private static long fieldBytes(byte[] bytes) {
        return Varint.sizeBytes(bytes.length) + (long) bytes.length;
    }

    private static void putField(ByteBuffer out, byte[] bytes) {
        Varint.write(out, bytes.length);
        out.put(bytes);
    }

    private static ByteBuffer field(ByteBuffer in) {
        long length = Varint.read(in);
        if (length < 0 || length > in.remaining()) {
            throw new IllegalArgumentException("field of " + length + " bytes in " + in.remaining());
        }
        ByteBuffer field = in.slice(in.position(), (int) length);
        in.position(in.position() + (int) length);
        return field;
    }

    private static byte[] copy(ByteBuffer field) {
        byte[] bytes = new byte[field.remaining()];
        field.get(bytes);
        return bytes;
    }

    /** Who takes the operations of a write, in order. Buffers are views of the log entry: valid during the call. */
    interface Ops {

        void put(Cf cf, ByteBuffer key, ByteBuffer value);

        void delete(Cf cf, ByteBuffer key);

        /** An empty end means every key of the Region from {@code start} on. */
        void deleteRange(Cf cf, byte[] start, byte[] end);
    }

    /**
     * Changes of data. The operations stay as they came, a view of the log entry, until they go into the engine's batch.
     *
     * @param ops {@code op*}, from position to limit
     */
    record Write(RegionEpoch epoch, ByteBuffer ops) implements RaftCommand {

        static final byte KIND = 1;

        private static final int PUT = 0x00;
        private static final int DELETE = 0x10;
        private static final int DELETE_RANGE = 0x20;
        private static final int WHAT = 0xf0;
        private static final int CF = 0x0f;

        /** Bytes of the command that {@link #encode(RegionEpoch, WriteBatch)} makes. */
        static long sizeBytes(RegionEpoch epoch, WriteBatch batch) {
            long size = headerBytes(epoch);
            for (WriteBatch.Op op : batch.ops()) {
                size++;
                if (op instanceof WriteBatch.Put put) {
                    size += fieldBytes(put.key().bytes()) + fieldBytes(put.value());
                } else if (op instanceof WriteBatch.Delete delete) {
                    size += fieldBytes(delete.key().bytes());
                } else if (op instanceof WriteBatch.DeleteRange range) {
                    size += fieldBytes(range.start().bytes())
                            + fieldBytes(range.end().bytes());
                }
            }
            return size;
        }

        /** Straight from a batch to the entry's bytes, each key and value copied once. */
        static byte[] encode(RegionEpoch epoch, WriteBatch batch) {
            ByteBuffer out = ByteBuffer.allocate(Math.toIntExact(sizeBytes(epoch, batch)));
            putHeader(out, KIND, epoch);
            for (WriteBatch.Op op : batch.ops()) {
                if (op instanceof WriteBatch.Put put) {
                    out.put((byte) (PUT | put.cf().id()));
                    putField(out, put.key().bytes());
                    putField(out, put.value());
                } else if (op instanceof WriteBatch.Delete delete) {
                    out.put((byte) (DELETE | delete.cf().id()));
                    putField(out, delete.key().bytes());
                } else if (op instanceof WriteBatch.DeleteRange range) {
                    out.put((byte) (DELETE_RANGE | range.cf().id()));
                    putField(out, range.start().bytes());
                    putField(out, range.end().bytes());
                }
            }
            assert !out.hasRemaining();
            return out.array();
        }

        static Write of(RegionEpoch epoch, WriteBatch batch) {
            return (Write) decode(ByteBuffer.wrap(encode(epoch, batch)));
        }

        @Override
        public boolean fits(RegionEpoch current) {
            return Epochs.sameVersion(epoch, current);
        }

        @Override
        public ApplyOutcome applyTo(ApplyBatch batch) {
            forEach(batch);
            return ApplyOutcome.DONE;
        }

        /** @throws IllegalArgumentException if the bytes are no operations; some may have been handed over by then */
        void forEach(Ops to) {
            ByteBuffer in = ops.duplicate();
            try {
                while (in.hasRemaining()) {
                    int tag = in.get() & 0xff;
                    Cf cf = dataCf(tag & CF);
                    switch (tag & WHAT) {
                        case PUT -> to.put(cf, field(in), field(in));
                        case DELETE -> to.delete(cf, field(in));
                        case DELETE_RANGE -> to.deleteRange(cf, copy(field(in)), copy(field(in)));
                        default -> throw new IllegalArgumentException("unknown operation " + tag);
                    }
                }
            } catch (BufferUnderflowException e) {
                throw new IllegalArgumentException("write ends early", e);
            }
        }

        @Override
        public byte[] encode() {
            ByteBuffer body = ops.duplicate();
            ByteBuffer out = ByteBuffer.allocate(headerBytes(epoch) + body.remaining());
            putHeader(out, KIND, epoch);
            return out.put(body).array();
        }

        /** A Region's own records never travel as data. */
        private static Cf dataCf(int id) {
            Cf cf = Cf.byId(id);
            if (cf == Cf.REGION) {
                throw new IllegalArgumentException("a write may not touch column family " + cf.cfName());
            }
            return cf;
        }
    }

    /** A change of the Region's members; the Raft membership follows it ({@link MembershipReconciler}). */
    record ChangePeer(RegionEpoch epoch, PeerChange change) implements RaftCommand {

        static final byte KIND = 2;

        public ChangePeer {
            Objects.requireNonNull(change);
        }

        static ChangePeer decodeBody(RegionEpoch epoch, ByteBuffer in) {
            return ended(in, "a peer change", new ChangePeer(epoch, readChange(in)));
        }

        /** Two changes decided on the same membership must not both happen. */
        @Override
        public boolean fits(RegionEpoch current) {
            return sameEpoch(epoch, current);
        }

        @Override
        public ApplyOutcome applyTo(ApplyBatch batch) {
            return batch.changePeer(change);
        }

        @Override
        public byte[] encode() {
            ByteBuffer out = ByteBuffer.allocate(headerBytes(epoch) + changeBytes(change));
            putHeader(out, KIND, epoch);
            putChange(out, change);
            return out.array();
        }
    }

    /** Several changes of the Region's members at once; Raft's membership follows in one joint change. */
    record ChangePeers(RegionEpoch epoch, PeerChanges changes) implements RaftCommand {

        static final byte KIND = 4;

        public ChangePeers {
            Objects.requireNonNull(changes);
        }

        static ChangePeers decodeBody(RegionEpoch epoch, ByteBuffer in) {
            long count = Varint.read(in);
            if (count < 1 || count > PeerChanges.CHANGES_MAX) {
                throw new IllegalArgumentException(count + " peer changes at once");
            }
            List<PeerChange> changes = new ArrayList<>((int) count);
            for (int i = 0; i < count; i++) {
                changes.add(readChange(in));
            }
            return ended(in, "peer changes", new ChangePeers(epoch, new PeerChanges(changes)));
        }

        /** As for a single change. */
        @Override
        public boolean fits(RegionEpoch current) {
            return sameEpoch(epoch, current);
        }

        @Override
        public ApplyOutcome applyTo(ApplyBatch batch) {
            return batch.changePeers(changes);
        }

        @Override
        public byte[] encode() {
            int size = headerBytes(epoch) + Varint.sizeBytes(changes.changes().size());
            for (PeerChange change : changes.changes()) {
                size += changeBytes(change);
            }
            ByteBuffer out = ByteBuffer.allocate(size);
            putHeader(out, KIND, epoch);
            Varint.write(out, changes.changes().size());
            for (PeerChange change : changes.changes()) {
                putChange(out, change);
            }
            assert !out.hasRemaining();
            return out.array();
        }
    }

    /** A Region is cut into several; their replicas are born where it has some ({@link RaftStore}). */
    record Split(RegionEpoch epoch, RegionSplit split) implements RaftCommand {

        static final byte KIND = 3;

        public Split {
            Objects.requireNonNull(split);
        }

        static Split decodeBody(RegionEpoch epoch, ByteBuffer in) {
            int count = count(in, RegionSplit.PIECES_MAX);
            List<RegionSplit.Piece> pieces = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                ByteKey endKey = ByteKey.wrap(copy(field(in)));
                long regionId = Varint.read(in);
                int peers = count(in, in.remaining());
                List<Long> peerIds = new ArrayList<>(peers);
                for (int p = 0; p < peers; p++) {
                    peerIds.add(Varint.read(in));
                }
                pieces.add(new RegionSplit.Piece(endKey, regionId, peerIds));
            }
            return ended(in, "a split", new Split(epoch, new RegionSplit(pieces)));
        }

        private static int count(ByteBuffer in, int max) {
            long count = Varint.read(in);
            if (count < 0 || count > max) {
                throw new IllegalArgumentException("a split with a count of " + count);
            }
            return (int) count;
        }

        /** The pieces have the peers that the Region had when their ids were given out, so the members count as well. */
        @Override
        public boolean fits(RegionEpoch current) {
            return sameEpoch(epoch, current);
        }

        @Override
        public ApplyOutcome applyTo(ApplyBatch batch) {
            return batch.split(split);
        }

        @Override
        public byte[] encode() {
            long size = headerBytes(epoch) + Varint.sizeBytes(split.pieces().size());
            for (RegionSplit.Piece piece : split.pieces()) {
                size += fieldBytes(piece.endKey().bytes())
                        + Varint.sizeBytes(piece.regionId())
                        + Varint.sizeBytes(piece.peerIds().size());
                for (long peerId : piece.peerIds()) {
                    size += Varint.sizeBytes(peerId);
                }
            }
            ByteBuffer out = ByteBuffer.allocate(Math.toIntExact(size));
            putHeader(out, KIND, epoch);
            Varint.write(out, split.pieces().size());
            for (RegionSplit.Piece piece : split.pieces()) {
                putField(out, piece.endKey().bytes());
                Varint.write(out, piece.regionId());
                Varint.write(out, piece.peerIds().size());
                piece.peerIds().forEach(peerId -> Varint.write(out, peerId));
            }
            assert !out.hasRemaining();
            return out.array();
        }
    }

    /** Two decisions on one range or membership must not both happen. */
    private static boolean sameEpoch(RegionEpoch checked, RegionEpoch current) {
        return Epochs.sameVersion(checked, current) && checked.getConfVer() == current.getConfVer();
    }

    private static byte[] encode(byte kind, RegionEpoch epoch, long number) {
        ByteBuffer out = ByteBuffer.allocate(headerBytes(epoch) + Varint.sizeBytes(number));
        putHeader(out, kind, epoch);
        Varint.write(out, number);
        return out.array();
    }

    private static PeerChange readChange(ByteBuffer in) {
        PeerChange.Kind kind = PeerChange.Kind.byId(in.get());
        Peer.Builder peer = Peer.newBuilder().setId(Varint.read(in)).setStoreId(Varint.read(in));
        return new PeerChange(kind, peer.build());
    }

    private static int changeBytes(PeerChange change) {
        return 1
                + Varint.sizeBytes(change.peer().getId())
                + Varint.sizeBytes(change.peer().getStoreId());
    }

    private static void putChange(ByteBuffer out, PeerChange change) {
        out.put((byte) change.kind().id());
        Varint.write(out, change.peer().getId());
        Varint.write(out, change.peer().getStoreId());
    }

    private static Region region(ByteBuffer in) {
        try {
            return Region.parseFrom(field(in));
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalArgumentException("a command's region is damaged", e);
        }
    }

    private static <T> T ended(ByteBuffer in, String name, T command) {
        if (in.hasRemaining()) {
            throw new IllegalArgumentException(in.remaining() + " bytes behind " + name);
        }
        return command;
    }

    /** From here on the Region waits for its neighbour to take it over; see {@link RegionMerge}. In the source's log. */
    record PrepareMerge(RegionEpoch epoch, Region target) implements RaftCommand {

        static final byte KIND = 5;

        public PrepareMerge {
            Objects.requireNonNull(target);
        }

        static PrepareMerge decodeBody(RegionEpoch epoch, ByteBuffer in) {
            return ended(in, "a merge's beginning", new PrepareMerge(epoch, region(in)));
        }

        @Override
        public boolean fits(RegionEpoch current) {
            return sameEpoch(epoch, current);
        }

        @Override
        public ApplyOutcome applyTo(ApplyBatch batch) {
            return batch.prepareMerge(target);
        }

        @Override
        public byte[] encode() {
            byte[] meta = target.toByteArray();
            ByteBuffer out = ByteBuffer.allocate(headerBytes(epoch) + Math.toIntExact(fieldBytes(meta)));
            putHeader(out, KIND, epoch);
            putField(out, meta);
            return out.array();
        }
    }

    /** The neighbour takes over the range and the data of a prepared Region. In the target's log. */
    record CommitMerge(RegionEpoch epoch, long index, Region source) implements RaftCommand {

        static final byte KIND = 6;

        public CommitMerge {
            Objects.requireNonNull(source);
        }

        static CommitMerge decodeBody(RegionEpoch epoch, ByteBuffer in) {
            return ended(in, "a merge's commit", new CommitMerge(epoch, Varint.read(in), region(in)));
        }

        @Override
        public boolean fits(RegionEpoch current) {
            return sameEpoch(epoch, current);
        }

        @Override
        public ApplyOutcome applyTo(ApplyBatch batch) {
            return batch.commitMerge(this);
        }

        @Override
        public byte[] encode() {
            byte[] meta = source.toByteArray();
            ByteBuffer out = ByteBuffer.allocate(
                    headerBytes(epoch) + Varint.sizeBytes(index) + Math.toIntExact(fieldBytes(meta)));
            putHeader(out, KIND, epoch);
            Varint.write(out, index);
            putField(out, meta);
            return out.array();
        }
    }

    /** The Region goes on: its neighbour has decided against it. In the source's log. */
    record RollbackMerge(RegionEpoch epoch, long index) implements RaftCommand {

        static final byte KIND = 7;

        static RollbackMerge decodeBody(RegionEpoch epoch, ByteBuffer in) {
            return ended(in, "a merge's rollback", new RollbackMerge(epoch, Varint.read(in)));
        }

        @Override
        public boolean fits(RegionEpoch current) {
            return sameEpoch(epoch, current);
        }

        @Override
        public boolean fitsMerging() {
            return true;
        }

        @Override
        public ApplyOutcome applyTo(ApplyBatch batch) {
            return batch.rollbackMerge(index);
        }

        @Override
        public byte[] encode() {
            return RaftCommand.encode(KIND, epoch, index);
        }
    }

    /** The target decides against a merge by changing its epoch, and nothing else. In the target's log. */
    record CallOffMerge(RegionEpoch epoch, long sourceId) implements RaftCommand {

        static final byte KIND = 9;

        static CallOffMerge decodeBody(RegionEpoch epoch, ByteBuffer in) {
            return ended(in, "a merge's calling off", new CallOffMerge(epoch, Varint.read(in)));
        }

        @Override
        public boolean fits(RegionEpoch current) {
            return sameEpoch(epoch, current);
        }

        @Override
        public ApplyOutcome applyTo(ApplyBatch batch) {
            return batch.callOffMerge();
        }

        @Override
        public byte[] encode() {
            return RaftCommand.encode(KIND, epoch, sourceId);
        }
    }

    /**
     * Every replica hashes what it holds after exactly this entry, and remembers the result. Changes nothing, so it fits whatever the
     * Region has become.
     */
    record ComputeHash(RegionEpoch epoch) implements RaftCommand {

        static final byte KIND = 8;

        @Override
        public boolean fits(RegionEpoch current) {
            return true;
        }

        @Override
        public boolean fitsMerging() {
            return true;
        }

        @Override
        public ApplyOutcome applyTo(ApplyBatch batch) {
            batch.computeHash();
            return ApplyOutcome.DONE;
        }

        @Override
        public byte[] encode() {
            ByteBuffer out = ByteBuffer.allocate(headerBytes(epoch) + 1);
            putHeader(out, KIND, epoch);
            return out.put(HashCommands.COMPUTE).array();
        }
    }

    /**
     * What the leader has found; every replica compares.
     *
     * @param index of the {@link ComputeHash}
     * @param hash {@link RegionHash#BYTES} bytes
     */
    record VerifyHash(RegionEpoch epoch, long index, ByteString hash) implements RaftCommand {

        public VerifyHash {
            if (index <= 0 || hash.size() != RegionHash.BYTES) {
                throw new IllegalArgumentException("a hash of " + hash.size() + " bytes at index " + index);
            }
        }

        @Override
        public boolean fits(RegionEpoch current) {
            return true;
        }

        @Override
        public boolean fitsMerging() {
            return true;
        }

        @Override
        public ApplyOutcome applyTo(ApplyBatch batch) {
            batch.verifyHash(this);
            return ApplyOutcome.DONE;
        }

        @Override
        public byte[] encode() {
            ByteBuffer out = ByteBuffer.allocate(headerBytes(epoch) + 1 + Varint.sizeBytes(index) + RegionHash.BYTES);
            putHeader(out, ComputeHash.KIND, epoch);
            out.put(HashCommands.VERIFY);
            Varint.write(out, index);
            return out.put(hash.asReadOnlyByteBuffer()).array();
        }
    }

    /** Both commands of a consistency check share a kind. */
    final class HashCommands {

        static final byte COMPUTE = 0;
        static final byte VERIFY = 1;

        private HashCommands() {}

        static RaftCommand decodeBody(RegionEpoch epoch, ByteBuffer in) {
            byte what = in.get();
            RaftCommand command = switch (what) {
                case COMPUTE -> new ComputeHash(epoch);
                case VERIFY -> {
                    long index = Varint.read(in);
                    ByteBuffer hash = in.slice(in.position(), Math.min(in.remaining(), RegionHash.BYTES));
                    in.position(in.position() + hash.remaining());
                    yield new VerifyHash(epoch, index, ByteString.copyFrom(hash));
                }
                default -> throw new IllegalArgumentException("unknown step of a consistency check " + what);
            };
            if (in.hasRemaining()) {
                throw new IllegalArgumentException(in.remaining() + " bytes behind a consistency check");
            }
            return command;
        }
    }
}
