package io.rutile.node.raftstore;

import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionException;
import io.rutile.storage.engine.EngineException;
import io.rutile.storage.engine.EngineSnapshot;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.SstFile;
import io.rutile.storage.engine.SstFiles;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Full images of a Region: written for a replica that can't be served from the log, and put in place of all that a replica has.
 *
 * <p>Putting in place survives a crash at any point: the image is moved into a directory of our own; a durable {@code APPLYING}
 * state says that from now on the image is the truth; the range is cleared and the tables are ingested from links, so that the
 * image stays whole; a durable {@code NORMAL} state with the image's index ends it. After a restart an {@code APPLYING} Region
 * does the last steps again.
 *
 * <p>Called on background threads; blocks.
 */
final class RegionImages {

    private static final Logger log = LoggerFactory.getLogger(RegionImages.class);

    private static final long TABLE_BYTES_MAX = 64L << 20;

    /** Decides whether a Region may take a range of this store (R6). */
    interface Ranges {

        /**
         * Claims the range of {@code next} for its Region by letting {@code claim} publish it, together with the end of those
         * replicas here whose Regions have been merged while this one slept.
         *
         * @throws IOException if another Region owns a part of it, or if {@code replica} is no longer the Region's here
         */
        void claim(ApplyStateMachine replica, RegionState next, Consumer<List<RegionState>> claim) throws IOException;
    }

    private final RocksEngine engine;
    private final RegionStateStore states;
    private final Path staging;
    private final Ranges ranges;

    /** @param staging where received images wait; on the same file system as the engine and the raft room's images */
    RegionImages(RocksEngine engine, RegionStateStore states, Path staging, Ranges ranges) {
        this.engine = engine;
        this.states = states;
        this.staging = staging;
        this.ranges = ranges;
    }

    /** Writes what {@code snapshot} sees into an empty directory. @return the applied index of that moment */
    long write(EngineSnapshot snapshot, RegionState state, long appliedIndex, Path directory) throws IOException {
        if (state.status() != RegionState.Status.NORMAL) {
            throw new IOException("region " + state.regionId() + " is " + state.status() + " and has no image");
        }
        try {
            List<SstFile> tables =
                    SstFiles.write(snapshot, RegionStateStore.DATA, state.range(), directory, TABLE_BYTES_MAX);
            new ImageManifest(state.region(), state.merge(), appliedIndex, tables).writeTo(directory);
            log.info(
                    "image written region={} index={} tables={} bytes={}",
                    state.regionId(),
                    appliedIndex,
                    tables.size(),
                    tables.stream().mapToLong(SstFile::sizeBytes).sum());
            return appliedIndex;
        } catch (EngineException e) {
            throw new IOException("image of region " + state.regionId() + " can't be written", e);
        }
    }

    /** Makes the image in {@code directory} all that this replica has. */
    void install(ApplyStateMachine replica, Path directory) throws IOException {
        ImageManifest image = ImageManifest.readFrom(directory);
        if (image.region().getId() != replica.regionId()) {
            throw new IOException("an image of region " + image.region().getId() + " for region " + replica.regionId());
        }
        if (RegionState.mergeUnderWay(replica.state()) != null && image.appliedIndex() < replica.appliedIndex()) {
            // It may have given its word that it is prepared, and a word is kept.
            throw new IOException("an image of region " + replica.regionId() + " from before its merge was prepared");
        }
        RegionState next =
                new RegionState(RegionState.Status.APPLYING, replica.self().peerId(), image.region(), image.merge());
        try {
            SstFiles.verify(engine, directory, image.tables(), next.range());
            Path staged = stage(directory, image);
            ranges.claim(replica, next, swallowed -> {
                replica.replacing();
                states.put(next, image.appliedIndex(), abandoned(replica.state(), swallowed, next), swallowed);
                replica.replaced(next, image.appliedIndex());
            });
            RegionState done = finish(next, staged, image);
            replica.replaced(done, image.appliedIndex());
        } catch (EngineException | RegionException e) {
            throw new IOException("image of region " + replica.regionId() + " can't be taken", e);
        }
    }

    /**
     * What the replica, or one that was swallowed, owned and the image doesn't cover: it slept through a split, and what was cut off
     * comes by itself (R2, R5).
     */
    private static List<KeyRange> abandoned(
            @Nullable RegionState before, List<RegionState> swallowed, RegionState next) {
        List<KeyRange> rest = new ArrayList<>();
        if (before != null && before.status() != RegionState.Status.TOMBSTONE) {
            rest.addAll(before.range().minus(next.range()));
        }
        swallowed.forEach(other -> rest.addAll(other.range().minus(next.range())));
        return rest;
    }

    /**
     * Ends what {@link #install} had begun when the process died.
     *
     * @return the Region, in its normal state
     */
    RegionState resume(RegionState applying) throws IOException {
        Path staged = stagedPath(applying.regionId());
        log.info("image is applied again after a restart region={}", applying.regionId());
        return finish(applying, staged, ImageManifest.readFrom(staged));
    }

    private RegionState finish(RegionState applying, Path staged, ImageManifest image) throws IOException {
        Path links = staged.resolve("ingest");
        deleteTree(links);
        Files.createDirectory(links);
        for (SstFile table : image.tables()) {
            Files.createLink(links.resolve(table.name()), staged.resolve(table.name()));
        }
        SstFiles.replace(engine, applying.range(), RegionStateStore.DATA, links, image.tables());
        RegionState normal = applying.with(RegionState.Status.NORMAL);
        states.put(normal, image.appliedIndex());
        deleteTree(staged);
        log.info(
                "image applied region={} peer={} index={} tables={}",
                normal.regionId(),
                normal.peerId(),
                image.appliedIndex(),
                image.tables().size());
        return normal;
    }

    /** Links the image into a directory that nobody else cleans up; durable on return. */
    private Path stage(Path directory, ImageManifest image) throws IOException {
        Path staged = stagedPath(image.region().getId());
        deleteTree(staged);
        Files.createDirectories(staged);
        for (SstFile table : image.tables()) {
            Files.createLink(staged.resolve(table.name()), directory.resolve(table.name()));
        }
        image.writeTo(staged);
        for (SstFile table : image.tables()) {
            sync(staged.resolve(table.name()));
        }
        sync(staged);
        sync(staging);
        return staged;
    }

    private Path stagedPath(long regionId) {
        return staging.resolve("region-" + regionId);
    }

    static void sync(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static void deleteTree(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            Files.deleteIfExists(path);
            return;
        }
        try (DirectoryStream<Path> children = Files.newDirectoryStream(path)) {
            for (Path child : children) {
                deleteTree(child);
            }
        }
        Files.delete(path);
    }
}
