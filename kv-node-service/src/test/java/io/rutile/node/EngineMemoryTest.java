package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EngineMemoryTest {

    @ParameterizedTest
    @CsvSource({
        // given, heap, engine: in MiB
        "16384, 6552, 4660",
        "2048, 819, 358",
        "1024, 410, 64",
        "512, 256, 64",
    })
    void heapAndAllTheRestComeFirst(long given, long heap, long engine) {
        assertThat(EngineMemory.of(given << 20, heap << 20) >> 20).isEqualTo(engine);
    }
}
