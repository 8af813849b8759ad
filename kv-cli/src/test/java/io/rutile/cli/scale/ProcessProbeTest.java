package io.rutile.cli.scale;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.cli.cluster.ClusterException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProcessProbeTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "garbage-first heap   total 131072K, used 40342K [0x1, 0x2)           | 40342",
                "garbage-first heap   total reserved 393216K, committed 131072K, used 40342K [0x1, 0x2) | 40342"
            })
    void theHeapOfG1IsOneLine(String line, long kib) {
        assertThat(ProcessProbe.heapKib("77:\n " + line + "\n  region size 1024K, 3 young (3072K)\n"))
                .isEqualTo(kib);
    }

    @Test
    void theHeapOfTheSerialCollectorIsTwoGenerations() {
        String info = """
                123:
                 def new generation   total 19648K, used 1024K [0x1, 0x2, 0x3)
                  eden space 17472K,   5% used [0x1, 0x2, 0x3)
                 tenured generation   total 43712K, used 20480K [0x1, 0x2, 0x3)
                   the space 43712K,  46% used [0x1, 0x2, 0x3)
                 Metaspace       used 30000K, committed 31000K, reserved 1114112K
                """;

        assertThat(ProcessProbe.heapKib(info)).isEqualTo(21504);
    }

    @Test
    void whatIsNotUnderstoodIsSaid() {
        assertThatThrownBy(() -> ProcessProbe.heapKib("ZHeap used 12M"))
                .isInstanceOf(ClusterException.class)
                .hasMessageContaining("ZHeap");
        assertThatThrownBy(() -> ProcessProbe.number("Name: java\n", "Threads"))
                .isInstanceOf(ClusterException.class)
                .hasMessageContaining("Threads");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void thisProcessHasThreadsAndMemory() throws IOException {
        String status = Files.readString(Path.of("/proc/self/status"));

        assertThat(ProcessProbe.number(status, "Threads")).isGreaterThan(1);
        assertThat(ProcessProbe.number(status, "VmRSS")).isGreaterThan(1024);
    }
}
