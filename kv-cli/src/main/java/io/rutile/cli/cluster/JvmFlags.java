package io.rutile.cli.cluster;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How the JVMs of a local cluster are sized: five processes of the standard layout stay below 3 GiB resident together.
 *
 * <p>A heap is a third to a half of what a process takes; RocksDB's caches, Netty's buffers, class metadata and compiled code are the
 * rest, so the heaps add up to 1.5 GiB. Nodes use G1: an old collection of the serial collector over a filled heap
 * would last long enough for followers to call an election. The small heaps of the Placement Driver and the gateway are
 * collected faster by the serial collector than G1's own threads and tables cost.
 */
public final class JvmFlags {

    /** Environment variable: more flags for every process that is started here, behind the usual ones, separated by blanks. */
    public static final String MORE = "RUTILE_JVM_FLAGS";

    private JvmFlags() {}

    /** What {@link #MORE} holds. */
    static List<String> more(@Nullable String words) {
        return words == null || words.isBlank()
                ? List.of()
                : List.of(words.strip().split("\\s+"));
    }

    /** The flags of a service of this kind. */
    public static List<String> of(Role role, JavaRuntime java) {
        List<String> flags = new ArrayList<>();
        switch (role) {
            case PD -> flags.addAll(List.of("-Xms64m", "-Xmx160m", "-XX:MaxDirectMemorySize=64m", "-XX:+UseSerialGC"));
            case NODE ->
                flags.addAll(List.of(
                        "-Xms128m",
                        "-Xmx384m",
                        "-XX:MaxDirectMemorySize=192m",
                        "-XX:+UseG1GC",
                        "-XX:MaxGCPauseMillis=50"));
            case GATEWAY ->
                flags.addAll(List.of("-Xms64m", "-Xmx192m", "-XX:MaxDirectMemorySize=128m", "-XX:+UseSerialGC"));
        }
        // A process without memory answers nothing right: its replicas take over, and it is started again.
        flags.add("-XX:+ExitOnOutOfMemoryError");
        flags.add("-Xss512k");
        // SOFAJRaft's generated messages are older than protobuf's check for them, which logs a warning per class.
        flags.add("-Dcom.google.protobuf.use_unsafe_pre22_gencode=true");
        // Tests look for buffers that are lost; to follow one of 128 costs a store one to two per cent of its processor
        // time.
        flags.add("-Dio.netty.leakDetection.level=disabled");
        if (java.feature() >= 24) {
            // RocksDB's and Netty's native code, and protobuf's unsafe reads, without a warning each.
            flags.add("--enable-native-access=ALL-UNNAMED");
            flags.add("--sun-misc-unsafe-memory-access=allow");
        }
        return flags;
    }
}
