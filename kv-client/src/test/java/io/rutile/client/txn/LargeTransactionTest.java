package io.rutile.client.txn;

import static io.rutile.client.txn.TxnTesting.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.client.KvClientException.Kind;
import io.rutile.client.txn.TxnReader.ScanRequest;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** R10: a transaction as large as one may be, in a process with little memory. */
class LargeTransactionTest {

    private static final int VALUE_BYTES = 256 << 10;

    private final TxnTesting t = new TxnTesting("", "k0100", "k0200", "k0300");

    @AfterEach
    void close() {
        t.close();
    }

    /** The bound is met while writing, not at the commit, and what was taken until then can still be committed, whole. */
    @Test
    void aTransactionOfAHundredMebibytesIsCommittedAndOneByteMoreIsRefused() {
        byte[] value = new byte[VALUE_BYTES];
        Transaction transaction = t.begin(TxnOptions.optimistic());
        int taken = 0;
        while (taken < 500) {
            try {
                transaction.put(key(String.format("k%04d", taken)), value);
                taken++;
            } catch (TransactionTooLargeException full) {
                assertThat(full.kind()).isEqualTo(Kind.TOO_LARGE);
                break;
            }
        }
        assertThat(taken).isEqualTo(399);
        int left = (100 << 20) - taken * (VALUE_BYTES + "k0000".length()) - "last".length();
        transaction.put(key("last"), new byte[left]);
        assertThatThrownBy(() -> transaction.put(key("z"), new byte[0]))
                .as("one byte more")
                .isInstanceOf(TransactionTooLargeException.class);

        transaction.commit().join();

        t.awaitNoLocks();
        assertThat(t.requests(PrewriteRequest.class)).hasSize(400).allMatch(p -> p.getSerializedSize() < 1 << 20);
        assertThat(t.txn.snapshot(t.now())
                        .scan(new ScanRequest(KeyRange.ALL, 1_000, false, true))
                        .join())
                .hasSize(400);
    }
}
