package io.rutile.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.storage.command.ApiVersion;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class StorageOptionsTest {

    @Test
    void defaults() {
        StorageOptions options = StorageOptions.of(ApiVersion.V1);

        assertThat(options.pendingWriteBytesMax()).isEqualTo(100 << 20);
        assertThat(options.answerBytesMax()).isEqualTo(64 << 20);
        assertThat(options.latchSlots()).isEqualTo(4096);
        assertThat(options.ttlSweepInterval()).isEqualTo(Duration.ofMinutes(1));
        assertThat(options.readThreads()).isGreaterThanOrEqualTo(2);
    }

    @Test
    void boundsMustBePositive() {
        assertThatThrownBy(() ->
                        StorageOptions.builder(ApiVersion.V1).readThreads(0).build())
                .hasMessage("readThreads must be positive: 0");
        assertThatThrownBy(() -> StorageOptions.builder(ApiVersion.V1)
                        .ttlSweepInterval(Duration.ZERO)
                        .build())
                .hasMessageStartingWith("ttlSweepInterval must be positive");
    }
}
