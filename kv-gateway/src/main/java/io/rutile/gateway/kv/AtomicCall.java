package io.rutile.gateway.kv;

import io.rutile.client.raw.RawKv.Pair;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads, conditions and writes that take place at one moment: if every condition holds, the first branch is carried out, otherwise
 * the second one.
 *
 * @param compare all have to hold; without any, they do
 * @param then operations in order; each sees the writes of those before it
 * @param otherwise the same, for when a condition does not hold
 */
public record AtomicCall(List<Condition> compare, List<Operation> then, List<Operation> otherwise) {

    /** Conditions of a call, and operations of a branch. */
    public static final int ITEMS_MAX = 256;

    public AtomicCall {
        compare = List.copyOf(compare);
        then = List.copyOf(then);
        otherwise = List.copyOf(otherwise);
    }

    /**
     * What a key has to be like.
     *
     * @param exists whether there is a value
     * @param value the value that has to be there; null if any will do
     */
    @SuppressWarnings("ArrayRecordComponent") // Shared, not copied, and compared by its bytes only.
    public record Condition(ByteKey key, boolean exists, byte @Nullable [] value) {

        public Condition {
            if (!exists && value != null) {
                throw new IllegalArgumentException("a key that is not there has no value");
            }
        }

        public static Condition equals(ByteKey key, byte[] value) {
            return new Condition(key, true, value);
        }

        public static Condition exists(ByteKey key, boolean exists) {
            return new Condition(key, exists, null);
        }

        /** @param current null if the key is not there */
        boolean holds(byte @Nullable [] current) {
            return value != null ? Arrays.equals(value, current) : exists == (current != null);
        }
    }

    /** One step of a branch. */
    public sealed interface Operation {

        /** Whether it changes something. */
        default boolean writes() {
            return false;
        }
    }

    /** Reads a key. */
    public record Get(ByteKey key) implements Operation {}

    /** Reads a range; its limit is at most {@link io.rutile.protocol.WireLimits#SCAN_PAIRS_MAX}. */
    public record Scan(ScanRequest request) implements Operation {}

    /** Writes a key. */
    @SuppressWarnings("ArrayRecordComponent") // Shared, not copied, and never compared.
    public record Put(ByteKey key, byte[] value) implements Operation {

        @Override
        public boolean writes() {
            return true;
        }
    }

    /** Deletes a key. */
    public record Delete(ByteKey key) implements Operation {

        @Override
        public boolean writes() {
            return true;
        }
    }

    /**
     * What became of a call.
     *
     * @param succeeded whether the conditions held
     * @param startTs the moment that was read
     * @param commitTs the moment from which others see the writes; null if the branch had none
     * @param results what each operation of the branch read, in order; empty for writes and for a key that is not there
     */
    public record Result(
            boolean succeeded, TimeStamp startTs, @Nullable TimeStamp commitTs, List<List<Pair>> results) {}
}
