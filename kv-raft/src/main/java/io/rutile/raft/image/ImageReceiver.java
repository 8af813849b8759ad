package io.rutile.raft.image;

import com.google.protobuf.ByteString;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.raft.transport.RaftTransport;
import io.rutile.raft.wire.FileEnd;
import io.rutile.raft.wire.ImageChunk;
import io.rutile.raft.wire.ImageRequest;
import io.rutile.raft.wire.RaftTransportGrpc;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;

/** Fetches an image from another store into a directory, and believes nothing of it before its checksums fit. */
public final class ImageReceiver {

    private final RaftTransport transport;
    private final ImageLimits limits;
    private final ImageMetrics metrics;

    public ImageReceiver(RaftTransport transport, ImageLimits limits, MeterRegistry meters) {
        this.transport = transport;
        this.limits = limits;
        this.metrics = new ImageMetrics(meters);
    }

    /**
     * Blocks until the image is whole.
     *
     * @param cancel ends it early
     * @return the applied index that the image shows
     * @throws IOException if it did not arrive whole
     */
    public long fetch(long fromStore, long groupId, String token, Path into, Context.CancellableContext cancel)
            throws IOException {
        ManagedChannel channel = transport.channelTo(fromStore);
        if (channel == null) {
            throw new IOException("store " + fromStore + " is not reachable");
        }
        Context previous = cancel.attach();
        try {
            ImageRequest request = ImageRequest.newBuilder()
                    .setHello(transport.helloTo(fromStore))
                    .setGroup(groupId)
                    .setToken(token)
                    .build();
            long index = receive(
                    RaftTransportGrpc.newBlockingStub(channel)
                            .withDeadlineAfter(limits.wholeMax().toMillis(), TimeUnit.MILLISECONDS)
                            .fetchImage(request),
                    into);
            metrics.received.increment();
            return index;
        } catch (StatusRuntimeException e) {
            metrics.failed.increment();
            throw new IOException("image did not arrive: " + e.getMessage(), e);
        } catch (IOException e) {
            metrics.failed.increment();
            throw e;
        } finally {
            cancel.detach(previous);
            channel.shutdownNow();
        }
    }

    private long receive(Iterator<ImageChunk> chunks, Path into) throws IOException {
        long bytes = 0;
        int files = 0;
        while (chunks.hasNext()) {
            ImageChunk chunk = chunks.next();
            switch (chunk.getPartCase()) {
                case FILE -> {
                    if (++files > limits.filesMax()) {
                        throw new IOException("image has more than " + limits.filesMax() + " files");
                    }
                    bytes += receiveFile(
                            chunks, ImageFiles.resolve(into, chunk.getFile().getName()), limits.bytesMax() - bytes);
                }
                case IMAGE_END -> {
                    if (chunk.getImageEnd().getFiles() != files) {
                        throw new IOException("image lacks files");
                    }
                    return chunk.getImageEnd().getIndex();
                }
                case DATA, FILE_END, PART_NOT_SET -> throw new IOException("image is out of order");
            }
        }
        throw new IOException("image ends early");
    }

    private long receiveFile(Iterator<ImageChunk> chunks, Path file, long bytesMax) throws IOException {
        CRC32C crc = new CRC32C();
        long size = 0;
        try (OutputStream out = Files.newOutputStream(file)) {
            while (chunks.hasNext()) {
                ImageChunk chunk = chunks.next();
                if (chunk.hasFileEnd()) {
                    check(chunk.getFileEnd(), size, crc);
                    return size;
                }
                if (!chunk.hasData()) {
                    throw new IOException("image is out of order");
                }
                ByteString data = chunk.getData();
                size += data.size();
                if (size > bytesMax) {
                    throw new IOException("image has more than " + limits.bytesMax() + " bytes");
                }
                crc.update(data.asReadOnlyByteBuffer());
                data.writeTo(out);
            }
        }
        throw new IOException("image ends early");
    }

    private static void check(FileEnd end, long size, CRC32C crc) throws IOException {
        if (end.getSizeBytes() != size || end.getCrc32C() != (int) crc.getValue()) {
            throw new IOException("a file of the image is damaged");
        }
    }
}
