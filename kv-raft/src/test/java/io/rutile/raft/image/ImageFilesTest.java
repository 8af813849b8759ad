package io.rutile.raft.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageFilesTest {

    @TempDir
    Path dir;

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", ".hidden", "a\u0000b", "nul:", "a b"})
    void nameThatCouldLeaveItsDirectoryIsRefused(String name) {
        assertThatThrownBy(() -> ImageFiles.resolve(dir, name)).isInstanceOf(IOException.class);
    }

    @Test
    void plainNameStaysInItsDirectory() throws IOException {
        assertThat(ImageFiles.resolve(dir, "default_0001.sst").getParent()).isEqualTo(dir);
    }

    @Test
    void deletionTakesWhatIsInsideAndMindsNothingMissing() throws IOException {
        Path image = dir.resolve("image");
        Files.createDirectories(image.resolve("deeper"));
        Files.writeString(image.resolve("deeper/file"), "x");

        ImageFiles.delete(image);
        ImageFiles.delete(image);

        assertThat(image).doesNotExist();
    }
}
