package io.rutile.protocol;

/** Bounds on what a caller may send; a request past one of them gets a typed error (E1, R10). Sizes in bytes. */
public final class WireLimits {

    /** Longest key. API V2 counts its four bytes of prefix apart. */
    public static final int KEY_BYTES_MAX = 8 << 10;

    /** Largest value, and largest replicated entry, that is not answered with {@code RaftEntryTooLarge}. */
    public static final int ENTRY_BYTES_MAX = 8 << 20;

    /** Largest inbound gRPC message: one full entry and headroom. */
    public static final int MESSAGE_BYTES_MAX = 16 << 20;

    /** Items of a batch request. */
    public static final int BATCH_ITEMS_MAX = 10_240;

    /** Pairs that one scan answers at most, whatever limit it asked for. */
    public static final int SCAN_PAIRS_MAX = 10_240;

    /** What a scan's answer should stay below: a client asks for fewer pairs when pages come near it. A store refuses or serves, it never cuts short. */
    public static final int SCAN_BYTES_MAX = 8 << 20;

    /** Requests in one frame of a BatchCommands stream. */
    public static final int BATCH_COMMANDS_MAX = 512;

    private WireLimits() {}
}
