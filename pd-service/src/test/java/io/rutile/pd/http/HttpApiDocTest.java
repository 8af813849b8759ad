package io.rutile.pd.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.pd.leader.Clocks;
import io.rutile.pd.leader.LeaderOptions;
import io.rutile.pd.leader.Leadership;
import io.rutile.pd.meta.LocalMeta;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.pdpb.Member;
import io.rutile.tls.TransportSecurity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** docs/operations/pd-http-api.md names every route, and no other. */
class HttpApiDocTest {

    /** Methods, then paths in backticks. */
    private static final Pattern CALLS =
            Pattern.compile("((?:GET|POST|DELETE)(?:, (?:GET|POST|DELETE))*)((?:[ ,\n]+`/[^`]*`)+)");

    private static final Pattern PATH = Pattern.compile("`(/[^`?]*)");

    @TempDir
    Path directory;

    @Test
    void pageNamesEveryRouteAndNoOther() throws IOException {
        Set<String> served = new TreeSet<>();
        try (PdApi api = api()) {
            api.routes().forEach(route -> served.add(route.method() + " " + route.path()));
        }

        assertThat(written()).isEqualTo(served);
    }

    private static Set<String> written() throws IOException {
        String page = Files.readString(Path.of("..", "docs", "operations", "pd-http-api.md"));
        Set<String> written = new TreeSet<>();
        Matcher calls = CALLS.matcher(page.substring(page.indexOf("## Routes"), page.indexOf("### Operators")));
        while (calls.find()) {
            Matcher path = PATH.matcher(calls.group(2));
            while (path.find()) {
                for (String method : calls.group(1).split(", ", -1)) {
                    written.add(method + " " + path.group(1));
                }
            }
        }
        return written;
    }

    private PdApi api() {
        LocalMeta meta = LocalMeta.in(directory);
        PdMember member = meta.member(Member::getDefaultInstance);
        Leadership leadership = new Leadership(LeaderOptions.DEFAULTS, Clocks.system(), new SimpleMeterRegistry());
        leadership.close();
        return new PdApi(
                HttpOptions.DEFAULTS,
                TransportSecurity.PLAINTEXT,
                member,
                leadership,
                meta.store(),
                new SimpleMeterRegistry());
    }
}
