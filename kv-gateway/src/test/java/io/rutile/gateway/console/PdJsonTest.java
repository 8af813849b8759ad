package io.rutile.gateway.console;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.gateway.console.ClusterFacts.Peer;
import io.rutile.gateway.console.ClusterFacts.Region;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class PdJsonTest {

    private static final JsonMapper JSON = JsonMapper.shared();

    @ParameterizedTest
    @CsvSource({
        "0B,0",
        "512GiB,549755813888",
        "1.5TiB,1649267441664",
        "8EiB,9223372036854775807",
        "'',0",
        "-1B,0",
        "1,0",
        "1 GiB,0",
        "9999999999999999999999B,0"
    })
    void sizesAreReadAsPdPrintsThem(String text, long bytes) {
        assertThat(PdJson.bytes(text)).isEqualTo(bytes);
    }

    @Test
    void aRegionIsReadWithWhatIsWrongWithItsReplicas() {
        Region region = PdJson.region(JSON.readTree(FakePd.region(10, "6A", "")));

        assertThat(region.startKey()).isEqualTo("6a");
        assertThat(region.endKey()).isEmpty();
        assertThat(region.leaderStore()).isEqualTo(4);
        assertThat(region.sizeBytes()).isEqualTo(2048);
        assertThat(region.peers())
                .containsExactly(new Peer(101, 4, "Voter", false, 0), new Peer(102, 5, "Learner", true, 31));
    }

    /** Whatever answers at PD's address, nobody falls over it. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"null", "[]", "{}", "7", "\"text\"", "{\"regions\":7,\"stores\":{\"a\":1},\"rows\":\"x\"}"})
    void whatIsMissingIsNothing(String json) {
        JsonNode node = JSON.readTree(json);

        assertThat(PdJson.regions(node)).isEmpty();
        assertThat(PdJson.region(node).id()).isZero();
        assertThat(PdJson.members(node, node)).isEmpty();
        assertThat(PdJson.scheduling(node, node).schedulers()).isEmpty();
        assertThat(PdJson.heat(node).columns()).isEmpty();
        assertThat(PdJson.operator(node).steps()).isEmpty();
        assertThat(PdJson.stores(node, node, node)).hasSizeLessThanOrEqualTo(1);
    }
}
