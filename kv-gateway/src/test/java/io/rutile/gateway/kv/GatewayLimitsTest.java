package io.rutile.gateway.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.KvClientException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class GatewayLimitsTest {

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final GatewayLimits limits = new GatewayLimits(2, 100, metrics);

    @Test
    void oneRequestTooManyIsRefusedAndCounted() {
        List<GatewayLimits.Permit> full =
                Stream.generate(limits::admit).limit(2).toList();

        assertThatExceptionOfType(KvClientException.class)
                .isThrownBy(limits::admit)
                .satisfies(e -> {
                    assertThat(e.kind()).isEqualTo(KvClientException.Kind.BUSY);
                    assertThat(e.regionError()).isNotNull();
                });
        assertThat(refused("requests")).isEqualTo(1);

        full.get(0).close();
        full.get(0).close();
        limits.admit().close();
        assertThat(metrics.get("kv.gateway.requests.in.flight").gauge().value()).isEqualTo(1);
    }

    @Test
    void bytesOfAllRequestsTogetherAreBounded() {
        GatewayLimits.Permit first = limits.admit();
        GatewayLimits.Permit second = limits.admit();
        first.reserve(60);
        second.reserve(40);

        assertThatExceptionOfType(KvClientException.class).isThrownBy(() -> second.reserve(1));
        assertThat(refused("bytes")).isEqualTo(1);

        first.release(1);
        second.reserve(1);
        first.close();
        assertThat(inFlight()).isEqualTo(41);
        second.close();
        assertThat(inFlight()).isZero();
    }

    @Test
    void anAnsweredRequestHoldsNothingAnyMore() {
        GatewayLimits.Permit permit = limits.admit();
        permit.close();

        permit.reserve(1_000);
        permit.release(1_000);

        assertThat(inFlight()).isZero();
    }

    @Test
    void whatNobodyWaitsForGetsNoMoreRoom() {
        GatewayLimits.Permit permit = limits.admit();
        permit.reserve(60);
        permit.abandon();

        assertThatExceptionOfType(CallerGoneException.class).isThrownBy(() -> permit.reserve(1));
        assertThat(inFlight()).as("what is held is held until the work ends").isEqualTo(60);
        permit.release(10);
        permit.close();
        assertThat(inFlight()).isZero();
    }

    @Test
    void limitsAreAtLeastOne() {
        assertThatExceptionOfType(IllegalArgumentException.class).isThrownBy(() -> new GatewayLimits(0, 1, metrics));
        assertThatExceptionOfType(IllegalArgumentException.class).isThrownBy(() -> new GatewayLimits(1, 0, metrics));
    }

    private double inFlight() {
        return metrics.get("kv.gateway.in.flight").gauge().value();
    }

    private double refused(String bound) {
        return metrics.get("kv.gateway.refused").tag("bound", bound).counter().count();
    }
}
