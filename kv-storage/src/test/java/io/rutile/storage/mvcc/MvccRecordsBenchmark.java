package io.rutile.storage.mvcc;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The two records that each transactional write makes and each read looks at: with a value of 100 bytes; the lock of an async commit of two keys. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class MvccRecordsBenchmark {

    private final long startTs = TimeStamp.of(1_800_000_000_000L, 1).value();
    private final byte[] value = new byte[100];

    private final Lock lock = Lock.builder(LockKind.PUT, ByteKey.wrap(new byte[20]), startTs)
            .ttlMs(3_000)
            .txnSize(2)
            .minCommitTs(startTs + 1)
            .shortValue(value)
            .asyncCommit(List.of(ByteKey.wrap(new byte[20])))
            .build();
    private final byte[] lockRecord = lock.encode();
    private final Write write = Write.of(WriteKind.PUT, startTs, value, false);
    private final byte[] writeRecord = write.encode();

    @Benchmark
    public byte[] encodeLock() {
        return lock.encode();
    }

    @Benchmark
    public Lock decodeLock() {
        return Lock.decode(lockRecord);
    }

    @Benchmark
    public byte[] encodeWrite() {
        return write.encode();
    }

    @Benchmark
    public Write decodeWrite() {
        return Write.decode(writeRecord);
    }
}
