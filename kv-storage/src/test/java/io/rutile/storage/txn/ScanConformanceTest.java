package io.rutile.storage.txn;

import static io.rutile.storage.txn.TxnWords.abort;
import static io.rutile.storage.txn.TxnWords.put;
import static io.rutile.storage.txn.TxnWords.shown;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.protocol.RegionException;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.ScanResponse;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Cases S01 to S08: scans in both directions. */
class ScanConformanceTest extends TxnConformance {

    private void wroteAll(String... keys) {
        for (String key : keys) {
            db.wrote(key, "v" + key, 5, 8);
        }
    }

    private List<String> scan(String start, String end, int limit) {
        return pairs(db.reading(20).scan(start, end, limit));
    }

    private List<String> reverseScan(String start, String end, int limit) {
        return pairs(db.reading(20).reverseScan(start, end, limit));
    }

    private static List<String> pairs(ScanResponse response) {
        assertThat(response.hasError()).as("%s", response).isFalse();
        return shown(response.getPairsList());
    }

    @Test
    void s01ScansFromStartToBeforeEnd() {
        wroteAll("a", "b", "c");

        assertThat(scan("a", "c", 10)).containsExactly("a=va", "b=vb");
        assertThat(scan("a", "", 10)).containsExactly("a=va", "b=vb", "c=vc");
        assertThat(scan("a", "", 2)).containsExactly("a=va", "b=vb");
        assertThat(scan("", "", 0xFFFF)).containsExactly("a=va", "b=vb", "c=vc");
        assertThat(pairs(db.reading(7).scan("a", "", 10))).isEmpty();
    }

    @Test
    void s02ScansDownFromBeforeStartToEnd() {
        wroteAll("a", "b", "c");

        assertThat(reverseScan("c", "a", 10)).containsExactly("b=vb", "a=va");
        assertThat(reverseScan("z", "", 2)).containsExactly("c=vc", "b=vb");
    }

    @Test
    void s03ALockedKeyCountsAndTheScanGoesOn() {
        wroteAll("a", "c");
        db.prewrite(put("b", "vb")).at(10).ok();

        assertThat(scan("a", "", 2)).containsExactly("a=va", "locked b@10");
        assertThat(scan("a", "", 3)).containsExactly("a=va", "locked b@10", "c=vc");
        assertThat(reverseScan("z", "", 3)).containsExactly("c=vc", "locked b@10", "a=va");
    }

    @Test
    void r10AScanIsCompleteOrRefusedWhetherItFindsValuesOrLocks() {
        String[] keys = IntStream.range(0, WireLimits.SCAN_PAIRS_MAX)
                .mapToObj("k%05d"::formatted)
                .toArray(String[]::new);
        Mutation[] puts = Arrays.stream(keys).map(key -> put(key, "v")).toArray(Mutation[]::new);

        db.prewrite(puts).at(10).ok();
        db.prewrite(put("kk", "v")).at(11).ok();
        assertTooManyPairs();

        db.committed(10, 12, keys);
        db.committed(11, 12, "kk");
        assertTooManyPairs();
        assertThat(scan("k", "l", WireLimits.SCAN_PAIRS_MAX)).hasSize(WireLimits.SCAN_PAIRS_MAX);
    }

    private void assertTooManyPairs() {
        assertThatThrownBy(() -> db.reading(20).scan("k", "l", WireLimits.SCAN_PAIRS_MAX + 1))
                .isInstanceOfSatisfying(
                        RegionException.class,
                        refused -> assertThat(refused.error().hasRaftEntryTooLarge())
                                .isTrue());
    }

    @Test
    void s04KeysOnlyLeavesValuesOut() {
        wroteAll("a", "b", "c");

        assertThat(pairs(db.reading(20).keyOnly().scan("a", "", 10))).containsExactly("a=", "b=", "c=");
        assertThat(pairs(db.reading(20).keyOnly().reverseScan("z", "", 10))).containsExactly("c=", "b=", "a=");
    }

    @Test
    void s04ASampleKeepsEveryNthAndEveryError() {
        wroteAll("a", "b", "c", "d", "e");
        assertThat(pairs(db.reading(20).sampleStep(2).scan("a", "", 10))).containsExactly("a=va", "c=vc", "e=ve");

        db.prewrite(put("d", "w")).at(10).ok();
        assertThat(pairs(db.reading(20).sampleStep(2).scan("a", "", 10))).contains("a=va", "c=vc", "locked d@10");
    }

    @Test
    void s05AnAbsentBoundIsTheRegions() {
        wroteAll("a", "b", "c", "d", "e");
        db = db.reopenedAsRegion("b", "d");

        assertThat(scan("b", "", 10)).containsExactly("b=vb", "c=vc");
        assertThat(reverseScan("d", "", 10)).containsExactly("c=vc", "b=vb");
    }

    @Test
    void s06ADeletedKeyDoesNotCount() {
        wroteAll("a", "b");
        db.deleted("a", 10, 12);

        assertThat(scan("a", "", 1)).containsExactly("b=vb");
        assertThat(reverseScan("z", "", 2)).containsExactly("b=vb");
    }

    @Test
    void s07ReverseFromTheEmptyKeyAndLimitZeroFindNothing() {
        wroteAll("a", "b");

        assertThat(reverseScan("", "", 10)).isEmpty();
        assertThat(scan("", "", 0)).isEmpty();
    }

    @Test
    void s08AGivenBoundOutsideTheRegionIsRefused() {
        wroteAll("a", "b", "c", "d", "e");
        db = db.reopenedAsRegion("b", "d");

        for (ScanResponse response : List.of(
                db.reading(20).scan("a", "c", 10),
                db.reading(20).scan("b", "e", 10),
                db.reading(20).scan("", "", 10), // an empty start counts as given
                db.reading(20).reverseScan("e", "b", 10),
                db.reading(20).reverseScan("d", "a", 10))) {
            assertThat(abort(response.getError())).isNotEmpty();
            assertThat(shown(response.getPairsList())).containsExactly("abort");
            assertThat(response.getPairs(0).getError()).isEqualTo(response.getError());
        }
        assertThat(scan("b", "d", 10)).containsExactly("b=vb", "c=vc");
    }
}
