package io.rutile.gateway.access;

import static io.rutile.gateway.RunningGateway.bytes;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.gateway.GatewayProperties;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What docs/operations/security.md tells people to write is understood, and it names every refusal and every property there is. */
class SecurityDocTest {

    private static final Path DOCS = Path.of("..", "docs");
    private static final String HASH = "0123456789abcdef".repeat(4);

    private final String page = Files.readString(DOCS.resolve("operations/security.md"));

    SecurityDocTest() throws IOException {}

    @Test
    void itsAccessFilesAreUnderstood() {
        AccessPolicy full = AccessPolicy.parse(bytes(between("```json\n", "```")), "orders");
        assertThat(full.tokenCount()).isEqualTo(2);
        assertThat(full.permissions(List.of("operator", "read")).isAdmin()).isTrue();

        AccessPolicy first =
                AccessPolicy.parse(bytes(between("<<END\n", "    END\n").replace("$HASH", HASH)), null);
        assertThat(first.tokenCount()).isEqualTo(1);
    }

    @Test
    void everyRefusalIsOnThePage() {
        for (Refusal refusal : Refusal.values()) {
            assertThat(page).contains("`" + refusal.label() + "`");
        }
    }

    @Test
    void everyPropertyIsInTheReference() throws IOException {
        String reference = Files.readString(DOCS.resolve("configuration.md"));
        for (Class<?> properties : List.of(GatewayProperties.Security.class, GatewayProperties.Jwt.class)) {
            for (RecordComponent property : properties.getRecordComponents()) {
                String name = property.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
                assertThat(reference).contains(name + "` |");
            }
        }
    }

    private String between(String before, String after) {
        Matcher found = Pattern.compile(Pattern.quote(before) + "(.*?)" + Pattern.quote(after), Pattern.DOTALL)
                .matcher(page);
        assertThat(found.find()).isTrue();
        return String.valueOf(found.group(1));
    }
}
