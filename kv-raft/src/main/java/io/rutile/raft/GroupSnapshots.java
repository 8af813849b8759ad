package io.rutile.raft;

import com.alipay.sofa.jraft.entity.RaftOutter.SnapshotMeta;
import com.alipay.sofa.jraft.error.RaftError;
import com.alipay.sofa.jraft.option.SnapshotCopierOptions;
import com.alipay.sofa.jraft.storage.SnapshotStorage;
import com.alipay.sofa.jraft.storage.SnapshotThrottle;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotCopier;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotReader;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotWriter;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import io.grpc.Context;
import io.rutile.raft.image.ImageFiles;
import io.rutile.raft.image.ImageReceiver;
import io.rutile.raft.image.ImageSender;
import io.rutile.raft.log.CompactionPoint;
import io.rutile.raft.log.LogFailure;
import io.rutile.raft.log.RaftLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Raft snapshots of a group whose state machine is on disk already. A local one is a {@link CompactionPoint}, a few bytes; a
 * real image of the state is made when a follower fetches it, may be newer than the point that came with it (what lies between
 * is skipped when it comes by log, R1), and is installed as soon as it has arrived whole.
 */
final class GroupSnapshots implements SnapshotStorage {

    private static final Logger LOG = LoggerFactory.getLogger(GroupSnapshots.class);
    private static final String SCHEME = "image";

    private final long groupId;
    private final long storeId;
    private final RaftLog log;
    private final ApplyDriver<?> driver;
    private final ImageSender sender;
    private final ImageReceiver receiver;
    private final Path directory;
    private final AtomicInteger offered = new AtomicInteger();
    /** Images on offer, by token. */
    private final Map<String, PointReader> offers = new ConcurrentHashMap<>();

    GroupSnapshots(
            long groupId,
            long storeId,
            RaftLog log,
            ApplyDriver<?> driver,
            ImageSender sender,
            ImageReceiver receiver,
            Path directory) {
        this.groupId = groupId;
        this.storeId = storeId;
        this.log = log;
        this.driver = driver;
        this.sender = sender;
        this.receiver = receiver;
        this.directory = directory;
    }

    /**
     * Ends an offer that came to nothing, so that the log may be cut before JRaft asks for the next.
     *
     * @param uri of the offer
     * @return true if the image had been made
     */
    boolean givenUp(String uri) {
        try {
            PointReader reader = offers.get(ImageUri.parse(uri).token());
            if (reader != null) {
                reader.close();
                return reader.made;
            }
        } catch (IllegalArgumentException | InvalidProtocolBufferException e) {
            LOG.debug("not an offer group={}", groupId);
        }
        return false;
    }

    /** True while a follower may be fetching an image: the log behind its point must stay. */
    boolean isOffering() {
        return offered.get() > 0;
    }

    @Override
    public boolean init(@Nullable Void nothing) {
        return true;
    }

    @Override
    public void shutdown() {
        // Readers withdraw their offers themselves.
    }

    @Override
    public boolean setFilterBeforeCopyRemote() {
        return false;
    }

    @Override
    public void setSnapshotThrottle(SnapshotThrottle throttle) {
        // Images have limits of their own.
    }

    @Override
    public SnapshotWriter create() {
        return new PointWriter();
    }

    @Override
    public @Nullable SnapshotReader open() {
        try {
            Optional<CompactionPoint> point = log.point(groupId);
            return point.isEmpty() ? null : new PointReader(point.get());
        } catch (IOException e) {
            LOG.error("compaction point not readable group={} cause={}", groupId, e.getMessage());
            return null;
        }
    }

    @Override
    public @Nullable SnapshotReader copyFrom(String uri, SnapshotCopierOptions options) {
        throw new UnsupportedOperationException("images are fetched by startToCopyFrom");
    }

    @Override
    public @Nullable SnapshotCopier startToCopyFrom(String uri, SnapshotCopierOptions options) {
        try {
            return new ImageCopier(ImageUri.parse(uri));
        } catch (IllegalArgumentException | InvalidProtocolBufferException e) {
            LOG.warn("image offer makes no sense group={}", groupId);
            return null;
        }
    }

    /**
     * Where an image is to be had, and the point that it continues from.
     *
     * <pre>uri := "image:" store ":" token ":" base64url(SnapshotMeta)</pre>
     */
    private record ImageUri(long storeId, String token, SnapshotMeta meta) {

        String text() {
            return SCHEME + ":" + storeId + ":" + token + ":"
                    + Base64.getUrlEncoder().encodeToString(meta.toByteArray());
        }

        static ImageUri parse(String text) throws InvalidProtocolBufferException {
            String[] parts = text.split(":", 4);
            if (parts.length != 4 || !parts[0].equals(SCHEME)) {
                throw new IllegalArgumentException("not an image");
            }
            return new ImageUri(
                    Long.parseLong(parts[1]),
                    parts[2],
                    SnapshotMeta.parseFrom(Base64.getUrlDecoder().decode(parts[3])));
        }
    }

    /** Takes a point once the state machine has persisted what it stands for. */
    final class PointWriter extends SnapshotWriter {

        private long applied;
        private @Nullable SnapshotMeta meta;

        /** What the state machine has applied at this point; apply thread. */
        void applied(long index) {
            applied = index;
        }

        @Override
        public boolean saveMeta(SnapshotMeta saved) {
            meta = saved;
            return true;
        }

        @Override
        public void close() throws IOException {
            SnapshotMeta saved = meta;
            if (isOk() && saved != null) {
                log.savePoint(groupId, new CompactionPoint(applied, saved));
                LOG.info("log compacted group={} index={}", groupId, saved.getLastIncludedIndex());
            }
        }

        @Override
        public void close(boolean keepDataOnError) throws IOException {
            close();
        }

        @Override
        public boolean addFile(String fileName, Message fileMeta) {
            return false;
        }

        @Override
        public boolean removeFile(String fileName) {
            return false;
        }

        @Override
        public boolean init(@Nullable Void nothing) {
            return true;
        }

        @Override
        public void shutdown() {
            // Nothing to release.
        }

        @Override
        public String getPath() {
            return "";
        }

        @Override
        public Set<String> listFiles() {
            return Set.of();
        }

        @Override
        public @Nullable Message getFileMeta(String fileName) {
            return null;
        }
    }

    /** A point that is read, and offered as an image if JRaft asks. */
    final class PointReader extends SnapshotReader {

        final CompactionPoint point;
        private final AtomicReference<@Nullable String> token = new AtomicReference<>();
        /** Somebody has begun to fetch it. */
        private volatile boolean made;

        PointReader(CompactionPoint point) {
            this.point = point;
        }

        @Override
        public SnapshotMeta load() {
            return point.meta();
        }

        @Override
        public String generateURIForCopy() {
            String offer = sender.offer(groupId, files -> {
                made = true;
                return driver.writeImage(files);
            });
            token.set(offer);
            offers.put(offer, this);
            offered.incrementAndGet();
            return new ImageUri(storeId, offer, point.meta()).text();
        }

        @Override
        public void close() {
            String offer = token.getAndSet(null);
            if (offer != null) {
                offers.remove(offer);
                sender.withdraw(offer);
                offered.decrementAndGet();
            }
        }

        @Override
        public boolean init(@Nullable Void nothing) {
            return true;
        }

        @Override
        public void shutdown() {
            close();
        }

        @Override
        public String getPath() {
            return "";
        }

        @Override
        public Set<String> listFiles() {
            return Set.of();
        }

        @Override
        public @Nullable Message getFileMeta(String fileName) {
            return null;
        }
    }

    /** Fetches and installs an image on the thread that waits for it, which belongs to the pool for that. */
    private final class ImageCopier extends SnapshotCopier {

        private final ImageUri uri;
        private final Context.CancellableContext cancel = Context.ROOT.withCancellation();
        private @Nullable PointReader reader;

        ImageCopier(ImageUri uri) {
            this.uri = uri;
        }

        @Override
        public void start() {
            // The work is done in join.
        }

        @Override
        public void join() {
            Path files = directory.resolve("in-" + groupId + "-" + UUID.randomUUID());
            try {
                Files.createDirectories(files);
                long index = receiver.fetch(uri.storeId(), groupId, uri.token(), files, cancel);
                long applied = driver.installImage(files);
                CompactionPoint point = new CompactionPoint(applied, uri.meta());
                log.savePoint(groupId, point);
                reader = new PointReader(point);
                LOG.info(
                        "image installed group={} from_store={} index={} point={}",
                        groupId,
                        uri.storeId(),
                        index,
                        uri.meta().getLastIncludedIndex());
            } catch (LogFailure e) {
                setError(RaftError.EIO, "%s", e.getMessage());
            } catch (IOException | CancellationException e) {
                LOG.warn("image not installed group={} cause={}", groupId, e.getMessage());
                setError(RaftError.EAGAIN, "%s", "image not installed");
            } finally {
                try {
                    ImageFiles.delete(files);
                } catch (IOException e) {
                    LOG.warn("image files not deleted group={} cause={}", groupId, e.toString());
                }
            }
        }

        @Override
        public void cancel() {
            cancel.cancel(null);
        }

        @Override
        public @Nullable SnapshotReader getReader() {
            return reader;
        }

        @Override
        public void close() {
            cancel.cancel(null);
        }
    }
}
