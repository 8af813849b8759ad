package io.rutile.gateway.access;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.gateway.kv.CallerQuota;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class AuditLogTest {

    private static final CallOrigin HERE = new CallOrigin("rest", "10.0.0.7", "GET raw");
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final AtomicLong nanos = new AtomicLong();
    private final AuditLog audit = new AuditLog(metrics, nanos::get);
    private final ListAppender<ILoggingEvent> written = new ListAppender<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger(AuditLog.LOGGER);

    @BeforeEach
    void listen() {
        written.start();
        logger.addAppender(written);
    }

    @AfterEach
    void stop() {
        logger.detachAppender(written);
    }

    @Test
    void aLineSaysWhoWhatAndWhy() {
        audit.refused(
                Refusal.NOT_ALLOWED,
                new Caller("jwt:eve\n{\"event\"", Permissions.NONE, CallerQuota.NONE),
                HERE,
                "read raw");

        JsonNode line = lines().get(0);
        assertThat(line.get("event").asString()).isEqualTo("refused");
        assertThat(line.get("caller").asString()).isEqualTo("jwt:eve\n{\"event\"");
        assertThat(line.get("door").asString()).isEqualTo("rest");
        assertThat(line.get("peer").asString()).isEqualTo("10.0.0.7");
        assertThat(line.get("operation").asString()).isEqualTo("GET raw");
        assertThat(line.get("reason").asString()).isEqualTo("not-allowed");
        assertThat(written.list.get(0).getFormattedMessage()).doesNotContain("\n");
    }

    @Test
    void refusalsAreWrittenSoManyASecondAndAllOfThemCounted() {
        for (int i = 0; i < 100; i++) {
            audit.refused(Refusal.NO_CREDENTIALS, null, HERE, "");
        }
        assertThat(lines()).hasSize(AuditLog.REFUSALS_PER_SECOND);
        assertThat(metrics.get("kv.gateway.auth.refused")
                        .tag("reason", "no-credentials")
                        .counter()
                        .count())
                .isEqualTo(100);
        assertThat(metrics.get("kv.gateway.audit.suppressed").counter().count())
                .isEqualTo(100 - AuditLog.REFUSALS_PER_SECOND);

        audit.admin(Caller.ANYONE, HERE);
        assertThat(lines()).hasSize(AuditLog.REFUSALS_PER_SECOND + 1);

        nanos.addAndGet(1_000_000_000L);
        audit.refused(Refusal.NO_CREDENTIALS, null, HERE, "");
        List<JsonNode> lines = lines();
        assertThat(lines.get(lines.size() - 1).get("notWritten").asInt()).isEqualTo(100 - AuditLog.REFUSALS_PER_SECOND);
    }

    private List<JsonNode> lines() {
        return written.list.stream()
                .map(event -> JSON.readTree(event.getFormattedMessage()))
                .toList();
    }
}
