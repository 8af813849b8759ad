package io.rutile.storage.engine;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.rocksdb.EnvOptions;
import org.rocksdb.IngestExternalFileOptions;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDBException;
import org.rocksdb.SstFileReader;
import org.rocksdb.SstFileReaderIterator;
import org.rocksdb.SstFileWriter;

/**
 * Images of a key range as RocksDB table files: written from one snapshot on one store, ingested on another.
 *
 * <p>Blocking and long: for a background thread. {@link #replace} is not atomic by itself; see there.
 */
public final class SstFiles {

    /** How many records go by between two looks at the file's length. */
    private static final int SIZE_CHECK_RECORDS = 64;

    private static final int READ_BYTES = 1 << 16;

    private SstFiles() {}

    /**
     * Writes the keys of {@code cfs} in {@code range} as {@code snapshot} sees them, synced. A column family without keys makes no
     * file.
     *
     * @param directory exists; files in it are named {@code <cf>-<number>.sst}
     * @param fileBytesMax a file that has grown this long is closed and the next one begun
     * @throws EngineException if the disk fails; files written so far remain for the caller to remove
     */
    public static List<SstFile> write(
            EngineSnapshot snapshot, Collection<Cf> cfs, KeyRange range, Path directory, long fileBytesMax) {
        List<SstFile> files = new ArrayList<>();
        for (Cf cf : cfs) {
            try (KvCursor cursor = snapshot.coldCursor(cf, range)) {
                cursor.seekToFirst();
                for (int number = 0; cursor.isValid(); number++) {
                    String name = cf.cfName() + "-" + number + ".sst";
                    files.add(writeOne(snapshot.engine(), cf, cursor, directory, name, fileBytesMax));
                }
            }
        }
        return files;
    }

    private static SstFile writeOne(
            RocksEngine engine, Cf cf, KvCursor cursor, Path directory, String name, long fileBytesMax) {
        Path path = directory.resolve(name);
        ByteKey first = ByteKey.wrap(cursor.key());
        byte[] last = first.bytes();
        try (EnvOptions env = new EnvOptions();
                SstFileWriter writer = new SstFileWriter(env, engine.sstFileOptions())) {
            writer.open(path.toString());
            for (long records = 0; cursor.isValid(); records++) {
                if (records % SIZE_CHECK_RECORDS == SIZE_CHECK_RECORDS - 1 && writer.fileSize() >= fileBytesMax) {
                    break;
                }
                last = cursor.key();
                writer.put(last, cursor.value());
                cursor.next();
            }
            writer.finish();
            return new SstFile(cf, name, Files.size(path), crc32c(path), first, ByteKey.wrap(last));
        } catch (RocksDBException e) {
            throw RocksFailures.of("write table file " + path, e);
        } catch (IOException e) {
            throw ioFailure("write table file " + path, e);
        }
    }

    /**
     * Checks that every file in {@code directory} is what was written and holds nothing outside {@code range} (R6).
     *
     * @throws EngineException {@code CORRUPTION} if one is damaged, missing or foreign
     */
    public static void verify(RocksEngine engine, Path directory, List<SstFile> files, KeyRange range) {
        for (SstFile file : files) {
            Path path = inside(directory, file.name());
            try {
                if (!Files.isRegularFile(path) || Files.size(path) != file.sizeBytes()) {
                    throw damaged(path, "it is missing or not " + file.sizeBytes() + " bytes long");
                }
                if (crc32c(path) != file.crc32c()) {
                    throw damaged(path, "its checksum differs");
                }
            } catch (IOException e) {
                throw ioFailure("read table file " + path, e);
            }
            verifyKeys(engine.sstFileOptions(), path, file, range);
        }
    }

    private static void verifyKeys(Options options, Path path, SstFile file, KeyRange range) {
        try (SstFileReader reader = new SstFileReader(options)) {
            reader.open(path.toString());
            try (ReadOptions reads = new ReadOptions();
                    SstFileReaderIterator keys = reader.newIterator(reads)) {
                keys.seekToFirst();
                @Nullable ByteKey first = keys.isValid() ? ByteKey.wrap(keys.key()) : null;
                keys.seekToLast();
                @Nullable ByteKey last = keys.isValid() ? ByteKey.wrap(keys.key()) : null;
                keys.status();
                if (first == null || last == null) {
                    throw damaged(path, "it holds no key");
                }
                if (!file.firstKey().equals(first) || !file.lastKey().equals(last)) {
                    throw damaged(path, "its keys are not those that were announced");
                }
                if (!range.contains(first) || !range.contains(last)) {
                    throw damaged(path, "it holds keys outside " + range);
                }
            }
        } catch (RocksDBException e) {
            throw new EngineException(
                    EngineException.Kind.CORRUPTION, "table file " + path + " is damaged: " + e.getMessage(), e);
        }
    }

    /**
     * Makes {@code range} hold exactly what {@code files} hold, in {@code cfs}. The files are verified first and then moved into
     * the engine; on success they are gone from {@code directory}.
     *
     * <p>Order: verify; drop what is in the range (synced range deletes); ingest one column family after the other. A crash in
     * between leaves the range empty or half filled, never mixed with old data. The caller therefore notes durably that it is
     * applying an image before it calls this, serves nothing of the range until the note is gone, and begins again (with the
     * files of a new image) if it finds the note after a restart.
     *
     * @throws EngineException {@code CORRUPTION} if a file is refused: nothing has changed then
     */
    public static void replace(
            RocksEngine engine, KeyRange range, Collection<Cf> cfs, Path directory, List<SstFile> files) {
        for (SstFile file : files) {
            if (!cfs.contains(file.cf())) {
                throw damaged(directory.resolve(file.name()), "nobody asked for column family " + file.cf());
            }
        }
        verify(engine, directory, files, range);
        clear(engine, range, cfs);
        for (Cf cf : cfs) {
            List<String> paths = files.stream()
                    .filter(file -> file.cf() == cf)
                    .map(file -> inside(directory, file.name()).toString())
                    .toList();
            if (!paths.isEmpty()) {
                ingest(engine, cf, paths);
            }
        }
    }

    /** Deletes a range that nobody reads any more, tables that lie wholly inside it at once; synced. */
    public static void clear(RocksEngine engine, KeyRange range, Collection<Cf> cfs) {
        WriteBatch deletes = new WriteBatch();
        for (Cf cf : cfs) {
            engine.deleteFilesInRange(cf, range);
            deletes.deleteRange(cf, range.start(), range.end());
        }
        engine.write(deletes, true);
    }

    private static void ingest(RocksEngine engine, Cf cf, List<String> paths) {
        engine.uses().enter();
        try (IngestExternalFileOptions options = new IngestExternalFileOptions()
                .setMoveFiles(true)
                .setAllowGlobalSeqNo(true)
                .setAllowBlockingFlush(true)) {
            engine.db().ingestExternalFile(engine.family(cf), paths, options);
        } catch (RocksDBException e) {
            throw RocksFailures.of("ingest " + paths.size() + " table files", e);
        } finally {
            engine.uses().exit();
        }
    }

    /** A name that came over the network must not lead out of the directory. */
    private static Path inside(Path directory, String name) {
        Path path = directory.resolve(name).normalize();
        if (!directory.normalize().equals(path.getParent())) {
            throw damaged(directory, "a table file's name leads elsewhere");
        }
        return path;
    }

    private static int crc32c(Path path) throws IOException {
        CRC32C crc = new CRC32C();
        byte[] buffer = new byte[READ_BYTES];
        try (InputStream in = Files.newInputStream(path)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                crc.update(buffer, 0, n);
            }
        }
        return (int) crc.getValue();
    }

    private static EngineException damaged(Path path, String why) {
        return new EngineException(EngineException.Kind.CORRUPTION, "table file " + path + " is refused: " + why, null);
    }

    private static EngineException ioFailure(String doing, IOException e) {
        return new EngineException(EngineException.Kind.IO, "cannot " + doing + ": " + e.getMessage(), e);
    }
}
