package io.rutile.cli.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class JvmFlagsTest {

    @Test
    void moreFlagsAreSeparatedByBlanks() {
        assertThat(JvmFlags.more(" -Xlog:gc  -XX:TieredStopAtLevel=1\n"))
                .containsExactly("-Xlog:gc", "-XX:TieredStopAtLevel=1");
        assertThat(JvmFlags.more(" ")).isEmpty();
        assertThat(JvmFlags.more(null)).isEmpty();
    }
}
