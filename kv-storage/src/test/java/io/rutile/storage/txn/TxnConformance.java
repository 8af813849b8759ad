package io.rutile.storage.txn;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Cases of the protocol's conformance catalogue: each begins with its id, and with an empty store. */
abstract class TxnConformance {

    @TempDir
    Path directory;

    @SuppressWarnings("NullAway.Init") // opened before each test
    TxnFixture db;

    @BeforeEach
    void open() {
        db = TxnFixture.open(directory);
    }

    @AfterEach
    void close() {
        db.close();
    }
}
