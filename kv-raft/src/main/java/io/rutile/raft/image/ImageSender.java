package io.rutile.raft.image;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.raft.wire.FileEnd;
import io.rutile.raft.wire.FileStart;
import io.rutile.raft.wire.ImageChunk;
import io.rutile.raft.wire.ImageEnd;
import io.rutile.raft.wire.ImageRequest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Offers images and sends those that are asked for. */
public final class ImageSender {

    private static final Logger LOG = LoggerFactory.getLogger(ImageSender.class);
    private static final int CHUNK_BYTES = 256 << 10;
    private static final long READY_POLL_NANOS = 5_000_000;

    private final Path directory;
    private final ImageLimits limits;
    private final ImagePace pace;
    private final Executor pool;
    private final ImageMetrics metrics;
    private final ConcurrentHashMap<String, Offer> offers = new ConcurrentHashMap<>();

    private record Offer(long groupId, ImageSource source) {}

    /** @param pool bounded; a task rejected by it is an image put off */
    public ImageSender(Path directory, ImageLimits limits, Executor pool, MeterRegistry meters) {
        this.directory = directory;
        this.limits = limits;
        this.pace = new ImagePace(limits.bytesPerSecondMax(), System::nanoTime);
        this.pool = pool;
        this.metrics = new ImageMetrics(meters);
    }

    /** Makes an image available; nothing is written before it is asked for. */
    public String offer(long groupId, ImageSource source) {
        String token = UUID.randomUUID().toString();
        offers.put(token, new Offer(groupId, source));
        return token;
    }

    /** Ends an offer. An image that is on its way breaks off. */
    public void withdraw(String token) {
        offers.remove(token);
    }

    /** Answers a request, on the pool. */
    public void serve(ImageRequest request, ServerCallStreamObserver<ImageChunk> out) {
        Offer offer = offers.get(request.getToken());
        if (offer == null || offer.groupId() != request.getGroup()) {
            out.onError(
                    Status.NOT_FOUND.withDescription("no such image on offer").asRuntimeException());
            return;
        }
        // Asked for while it is sent; without a handler a cancelled call throws in the middle of a file.
        out.setOnCancelHandler(() -> LOG.debug("image not wanted any more group={}", request.getGroup()));
        try {
            pool.execute(() -> send(request.getToken(), offer, out));
        } catch (RejectedExecutionException e) {
            metrics.refused.increment();
            out.onError(Status.RESOURCE_EXHAUSTED
                    .withDescription("enough images are on their way")
                    .asRuntimeException());
        }
    }

    private void send(String token, Offer offer, ServerCallStreamObserver<ImageChunk> out) {
        Path files = directory.resolve("out-" + token);
        try {
            ImageFiles.delete(files);
            Files.createDirectories(files);
            long index = offer.source().write(files);
            stream(token, files, index, out);
            out.onCompleted();
            metrics.sent.increment();
            LOG.info("image sent group={} index={}", offer.groupId(), index);
        } catch (IOException | RuntimeException e) {
            metrics.failed.increment();
            LOG.warn("image not sent group={} cause={}", offer.groupId(), e.toString());
            if (!out.isCancelled()) {
                out.onError(
                        Status.ABORTED.withDescription("image can't be sent").asRuntimeException());
            }
        } finally {
            try {
                ImageFiles.delete(files);
            } catch (IOException e) {
                LOG.warn("image files not deleted group={} cause={}", offer.groupId(), e.toString());
            }
        }
    }

    private void stream(String token, Path directory, long index, ServerCallStreamObserver<ImageChunk> out)
            throws IOException {
        List<Path> files = ImageFiles.list(directory);
        for (Path file : files) {
            next(
                    token,
                    out,
                    ImageChunk.newBuilder()
                            .setFile(FileStart.newBuilder()
                                    .setName(file.getFileName().toString()))
                            .build());
            CRC32C crc = new CRC32C();
            long size = 0;
            try (InputStream in = Files.newInputStream(file)) {
                byte[] buffer = new byte[CHUNK_BYTES];
                int read;
                while ((read = in.readNBytes(buffer, 0, buffer.length)) > 0) {
                    crc.update(buffer, 0, read);
                    size += read;
                    ByteString data = UnsafeByteOperations.unsafeWrap(buffer, 0, read);
                    next(token, out, ImageChunk.newBuilder().setData(data).build());
                    // Handed to the network as it is: the next round needs a buffer of its own.
                    buffer = new byte[CHUNK_BYTES];
                    metrics.sentBytes.increment(read);
                    pace.sent(read);
                }
            }
            next(
                    token,
                    out,
                    ImageChunk.newBuilder()
                            .setFileEnd(FileEnd.newBuilder().setSizeBytes(size).setCrc32C((int) crc.getValue()))
                            .build());
        }
        next(
                token,
                out,
                ImageChunk.newBuilder()
                        .setImageEnd(
                                ImageEnd.newBuilder().setFiles(files.size()).setIndex(index))
                        .build());
    }

    private void next(String token, ServerCallStreamObserver<ImageChunk> out, ImageChunk chunk) throws IOException {
        long deadline = System.nanoTime() + limits.idleMax().toNanos();
        while (!out.isReady()) {
            if (out.isCancelled() || !offers.containsKey(token)) {
                throw new IOException("not wanted any more");
            }
            if (System.nanoTime() - deadline >= 0) {
                throw new IOException("the receiver takes nothing");
            }
            LockSupport.parkNanos(READY_POLL_NANOS);
        }
        if (out.isCancelled() || !offers.containsKey(token)) {
            throw new IOException("not wanted any more");
        }
        out.onNext(chunk);
    }
}
