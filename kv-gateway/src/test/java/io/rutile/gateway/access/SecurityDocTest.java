package io.rutile.gateway.access;

import static io.rutile.gateway.RunningGateway.bytes;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.gateway.kv.CallerQuota;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What docs/operations/security.md tells people to write is understood, and it names every refusal. */
class SecurityDocTest {

    private static final Path DOCS = Path.of("..", "docs");
    private static final String HASH = "0123456789abcdef".repeat(4);

    private final String page = Files.readString(DOCS.resolve("operations/security.md"));

    SecurityDocTest() throws IOException {}

    @Test
    void itsAccessFilesAreUnderstood() {
        AccessPolicy full = AccessPolicy.parse(bytes(between("```json\n", "```")), "orders", CallerQuota.NONE);
        assertThat(full.tokenCount()).isEqualTo(2);
        assertThat(full.caller("jwt:x", List.of("operator", "read"))
                        .permissions()
                        .isAdmin())
                .isTrue();

        AccessPolicy first = AccessPolicy.parse(
                bytes(between("<<END\n", "    END\n").replace("$HASH", HASH)), null, CallerQuota.NONE);
        assertThat(first.tokenCount()).isEqualTo(1);
    }

    @Test
    void everyRefusalIsOnThePage() {
        for (Refusal refusal : Refusal.values()) {
            assertThat(page).contains("`" + refusal.label() + "`");
        }
    }

    private String between(String before, String after) {
        Matcher found = Pattern.compile(Pattern.quote(before) + "(.*?)" + Pattern.quote(after), Pattern.DOTALL)
                .matcher(page);
        assertThat(found.find()).isTrue();
        return String.valueOf(found.group(1));
    }
}
