package io.rutile.storage.raw;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.protocol.kvrpcpb.APIVersion;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.engine.Cf;
import java.time.Clock;
import org.junit.jupiter.api.Test;

class RawFormatTest {

    private static final Context V1_REQUEST = Context.getDefaultInstance();
    private static final Context V2_REQUEST =
            Context.newBuilder().setApiVersion(APIVersion.V2).build();

    @Test
    void w11AV2StoreKnowsNoColumnFamilies() {
        RawFormat v2 = new RawFormat(ApiVersion.V2, Clock.systemUTC());

        assertThat(v2.cf(V2_REQUEST, "")).isEqualTo(Cf.RAW);
        assertThatThrownBy(() -> v2.cf(V2_REQUEST, "default"))
                .isInstanceOf(RawFailure.class)
                .hasMessageStartingWith("cf is deprecated in API V2");
    }

    @Test
    void e09ClientsOfTtlStoresSayV1() {
        RawFormat ttl = new RawFormat(ApiVersion.V1TTL, Clock.systemUTC());
        Context saysTtl = Context.newBuilder().setApiVersion(APIVersion.V1TTL).build();

        assertThat(ttl.cf(V1_REQUEST, "")).isEqualTo(Cf.RAW);
        assertThatThrownBy(() -> ttl.cf(saysTtl, "")).isInstanceOf(RawFailure.class);
        assertThatThrownBy(() -> ttl.cf(V2_REQUEST, "")).isInstanceOf(RawFailure.class);
    }
}
