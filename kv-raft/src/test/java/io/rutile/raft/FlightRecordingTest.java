package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;

import com.alipay.sofa.jraft.core.NodeImpl;
import java.nio.file.Path;
import java.time.Duration;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whoever asks where a store's time goes gets an answer. */
class FlightRecordingTest {

    @TempDir
    Path dir;

    @Test
    void aRecordingHasStacksThoughJRaftIsLoaded() throws Exception {
        // Its static part is what would take the signal.
        Class.forName(NodeImpl.class.getName(), true, getClass().getClassLoader());
        Path file = dir.resolve("recording.jfr");
        long until = System.nanoTime() + TestStores.PATIENCE.toNanos();

        long stacks = 0;
        while (stacks == 0 && System.nanoTime() < until) {
            try (Recording recording = new Recording()) {
                recording.enable("jdk.ExecutionSample").withPeriod(Duration.ofMillis(10));
                recording.start();
                burn(Duration.ofMillis(500));
                recording.stop();
                recording.dump(file);
            }
            stacks = RecordingFile.readAllEvents(file).stream()
                    .filter(event -> event.getEventType().getName().equals("jdk.ExecutionSample"))
                    .count();
        }

        assertThat(stacks).isPositive();
    }

    private static void burn(Duration time) {
        long sum = 0;
        long until = System.nanoTime() + time.toNanos();
        while (System.nanoTime() < until) {
            sum += sum % 7 + 1;
        }
        assertThat(sum).isPositive();
    }
}
