package io.rutile.pd.meta;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InitialClusterTest {

    @Test
    void idIsThePlaceInTheList() {
        InitialCluster cluster = InitialCluster.parse("pd-1=127.0.0.1:2380, pd-2=127.0.0.1:2390");

        assertThat(cluster.idOf("pd-1")).isEqualTo(1);
        assertThat(cluster.idOf("pd-2")).isEqualTo(2);
        assertThat(cluster.member(2).raftAddress()).isEqualTo("127.0.0.1:2390");
        assertThat(cluster.contains(3)).isFalse();
        assertThat(InitialCluster.replicas(List.of(1L, 2L)).voters()).hasSize(2);
        assertThatThrownBy(() -> cluster.idOf("pd-3")).hasMessageContaining("pd-3");
    }

    @Test
    void fingerprintIsPositiveAndTellsClustersApart() {
        InitialCluster one = InitialCluster.parse("pd-1=127.0.0.1:2380");

        assertThat(one.fingerprint())
                .isPositive()
                .isEqualTo(InitialCluster.parse("pd-1=127.0.0.1:2380").fingerprint());
        assertThat(one.fingerprint())
                .isNotEqualTo(InitialCluster.parse("pd-1=127.0.0.1:2381").fingerprint());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "pd-1",
                "=127.0.0.1:1",
                "pd-1=127.0.0.1",
                "pd-1=:1",
                "pd-1=h:99999",
                "pd-1=h:1,",
                "pd-1=h:1,pd-1=h:2",
                "pd-1=h:1,pd-2=h:1",
                "pd-1=h:x"
            })
    void nonsenseIsRefused(String text) {
        assertThatThrownBy(() -> InitialCluster.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }
}
