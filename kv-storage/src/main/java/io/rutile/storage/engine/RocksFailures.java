package io.rutile.storage.engine;

import java.nio.file.Path;
import java.util.Locale;
import org.rocksdb.RocksDBException;
import org.rocksdb.Status;

/** Turns what RocksDB says into one clear sentence and a {@link EngineException.Kind}: the only place that reads its texts. */
final class RocksFailures {

    private RocksFailures() {}

    static EngineException of(String doing, RocksDBException failure) {
        EngineException.Kind kind = kind(failure);
        String why = switch (kind) {
            case NO_SPACE -> "no space is left on the disk";
            case CORRUPTION -> "the data is damaged";
            case CLOSED -> "the engine is closing";
            case IO -> "the disk failed";
            case OTHER -> "RocksDB refused";
        };
        return new EngineException(kind, "cannot " + doing + ": " + why + " (" + failure.getMessage() + ")", failure);
    }

    /** The same of a read, which may have been one that doesn't wait for the disk. */
    static RuntimeException ofRead(String doing, RocksDBException failure) {
        Status status = failure.getStatus();
        return status != null && status.getCode() == Status.Code.Incomplete
                ? new NotCachedException()
                : of(doing, failure);
    }

    static EngineException ofOpen(Path directory, RocksDBException failure) {
        String text = text(failure);
        if (text.contains("lock")) {
            return new EngineException(
                    EngineException.Kind.OTHER,
                    "cannot open " + directory + ": it is in use by another process (" + failure.getMessage() + ")",
                    failure);
        }
        if (text.contains("column families not opened")) {
            return new EngineException(
                    EngineException.Kind.OTHER,
                    "cannot open " + directory + ": it was written by a version that knows more column families ("
                            + failure.getMessage() + ")",
                    failure);
        }
        return of("open " + directory, failure);
    }

    private static EngineException.Kind kind(RocksDBException failure) {
        Status status = failure.getStatus();
        String text = text(failure);
        if ((status != null && status.getSubCode() == Status.SubCode.NoSpace)
                || text.contains("no space left")
                || text.contains("space limit")
                || text.contains("max allowed space")) {
            return EngineException.Kind.NO_SPACE;
        }
        if (status == null) {
            return text.contains("corruption") ? EngineException.Kind.CORRUPTION : EngineException.Kind.OTHER;
        }
        return switch (status.getCode()) {
            case Corruption -> EngineException.Kind.CORRUPTION;
            case IOError -> EngineException.Kind.IO;
            case ShutdownInProgress -> EngineException.Kind.CLOSED;
            default -> EngineException.Kind.OTHER;
        };
    }

    private static String text(RocksDBException failure) {
        return String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT);
    }
}
