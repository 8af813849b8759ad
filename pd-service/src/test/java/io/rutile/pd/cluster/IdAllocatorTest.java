package io.rutile.pd.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.meta.LocalMeta;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdAllocatorTest {

    @TempDir
    Path directory;

    private LocalMeta meta;

    @BeforeEach
    void open() {
        meta = LocalMeta.in(directory);
    }

    @Test
    void d26LastIdOfTheBatchIsAnswered() {
        IdAllocator ids = allocator();
        assertThat(ids.allocate(100).join()).isEqualTo(100);

        assertThat(ids.allocate(5).join()).isEqualTo(105);
        assertThat(ids.allocate(1).join()).isEqualTo(106);
    }

    @Test
    void idsGoOnAcrossWindows() {
        IdAllocator ids = allocator();
        long before = 0;
        for (int i = 0; i < 40; i++) {
            long last = ids.allocate(99).join();
            assertThat(last).isEqualTo(before + 99);
            before = last;
        }
    }

    @Test
    void noIdIsGivenTwiceByTwoTermsT2() {
        Set<Long> given = new HashSet<>();
        IdAllocator first = allocator();
        for (int i = 0; i < 10; i++) {
            given.add(first.allocate(1).join());
        }
        meta.log().elect();
        IdAllocator second = allocator();
        for (int i = 0; i < 10; i++) {
            given.add(second.allocate(1).join());
            // The first still has a window of its own: even what it gives late is nobody else's.
            given.add(first.allocate(1).join());
        }

        assertThat(given).hasSize(30);
        assertThat(LocalMeta.in(directory.resolve("fresh")).state().idsReserved())
                .isZero();
    }

    @Test
    void nothingIsGivenBeforeItsWindowIsDurableT2() {
        meta.log().hold();
        IdAllocator ids = allocator();

        CompletableFuture<Long> waiting = ids.allocate(1);

        assertThat(waiting).isNotDone();
        meta.log().release();
        assertThat(waiting).isCompletedWithValue(1L);
    }

    private IdAllocator allocator() {
        return new IdAllocator(meta.store(), meta.log().term());
    }
}
