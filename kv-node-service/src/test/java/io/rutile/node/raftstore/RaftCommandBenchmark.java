package io.rutile.node.raftstore;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.WriteBatch;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.Blackhole;

/** A write's way into the log and out of it: so many puts of 1 KiB under keys of 20 bytes. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class RaftCommandBenchmark {

    private static final RegionEpoch EPOCH =
            RegionEpoch.newBuilder().setVersion(300).setConfVer(5).build();

    @Param({"1", "16"})
    public int puts;

    private WriteBatch batch = new WriteBatch();
    private byte[] entry = {};

    @Setup
    public void prepare() {
        batch = new WriteBatch();
        for (int i = 0; i < puts; i++) {
            batch.put(Cf.RAW, ByteKey.wrap(ByteBuffer.allocate(20).putInt(i).array()), new byte[1_024]);
        }
        entry = RaftCommand.Write.encode(EPOCH, batch);
    }

    @Benchmark
    public byte[] encode() {
        return RaftCommand.Write.encode(EPOCH, batch);
    }

    /** Down to keys and values, as an apply reads them. */
    @Benchmark
    public void decode(Blackhole read) {
        RaftCommand command = RaftCommand.decode(ByteBuffer.wrap(entry));
        ((RaftCommand.Write) command).forEach(new RaftCommand.Ops() {
            @Override
            public void put(Cf cf, ByteBuffer key, ByteBuffer value) {
                read.consume(key);
                read.consume(value);
            }

            @Override
            public void delete(Cf cf, ByteBuffer key) {
                read.consume(key);
            }

            @Override
            public void deleteRange(Cf cf, byte[] start, byte[] end) {
                read.consume(start);
            }
        });
    }
}
