package io.rutile.node.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.RawCASRequest;
import io.rutile.protocol.kvrpcpb.RawCASResponse;
import io.rutile.protocol.kvrpcpb.RawPutRequest;
import io.rutile.protocol.kvrpcpb.RawPutResponse;
import io.rutile.protocol.kvrpcpb.RawScanRequest;
import io.rutile.protocol.kvrpcpb.RawScanResponse;
import io.rutile.storage.engine.EngineException;
import io.rutile.storage.raw.RawFailure;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

/** Every kind of failure in the protocol's words. */
class RpcErrorsTest {

    private static final Rpc<RawPutRequest, RawPutResponse> PUT = new Rpc<>(
            "RawPut",
            RawPutRequest::getContext,
            (ctx, request) -> new CompletableFuture<>(),
            RawPutResponse.getDefaultInstance());
    private static final Rpc<RawScanRequest, RawScanResponse> SCAN = new Rpc<>(
            "RawScan",
            request -> Context.getDefaultInstance(),
            (ctx, request) -> new CompletableFuture<>(),
            RawScanResponse.getDefaultInstance());
    private static final Rpc<RawCASRequest, RawCASResponse> CAS = new Rpc<>(
            "RawCompareAndSwap",
            RawCASRequest::getContext,
            (ctx, request) -> new CompletableFuture<>(),
            RawCASResponse.getDefaultInstance(),
            false);

    private static RawPutResponse put(Throwable failure) {
        return RpcErrors.answer(PUT, 3, failure);
    }

    @Test
    void aRegionErrorTravelsAsItIs() {
        RawPutResponse answer = put(new CompletionException(RegionErrors.regionNotFound(7)));

        assertThat(answer.getRegionError().getRegionNotFound().getRegionId()).isEqualTo(7);
        assertThat(AnswerErrors.kind(answer)).isEqualTo("region_not_found");
    }

    @Test
    void whatIsWrongWithTheRequestIsItsError() {
        RawPutResponse answer = put(new RawFailure("ttl is not enabled"));

        assertThat(answer.getError()).isEqualTo("ttl is not enabled");
        assertThat(answer.hasRegionError()).isFalse();
        assertThat(AnswerErrors.kind(answer)).isEqualTo("refused");
    }

    @Test
    void anAnswerOfPairsCarriesItAsAPair() {
        RawScanResponse answer = RpcErrors.answer(SCAN, 3, new RawFailure("invalid cf name: x"));

        assertThat(answer.getKvsList()).hasSize(1);
        assertThat(answer.getKvs(0).getError().getAbort()).isEqualTo("invalid cf name: x");
    }

    @Test
    void timeThatHasRunOutInvitesARetryOnlyWhereThatIsHarmless() {
        assertThat(put(new TimeoutException()).getRegionError().getMessage()).isEqualTo("Deadline is exceeded");
        assertThat(RpcErrors.answer(CAS, 3, new TimeoutException())
                        .getRegionError()
                        .hasUndeterminedResult())
                .isTrue();
    }

    @Test
    void r9_aDiskSaysWhatItsTroubleIs() {
        assertThat(put(engine(EngineException.Kind.NO_SPACE))
                        .getRegionError()
                        .getDiskFull()
                        .getStoreIdList())
                .containsExactly(3L);
        assertThat(put(engine(EngineException.Kind.IO)).getRegionError().hasServerIsBusy())
                .isTrue();
        assertThat(put(engine(EngineException.Kind.CLOSED)).getRegionError().getMessage())
                .contains("closing");
    }

    private static EngineException engine(EngineException.Kind kind) {
        return new EngineException(kind, "by test", new RuntimeException("by test"));
    }

    @Test
    void aFullQueueIsBusyAndABugIsAMessage() {
        assertThat(put(new RejectedExecutionException()).getRegionError().hasServerIsBusy())
                .isTrue();
        RawPutResponse bug = put(new IllegalStateException("secret key"));
        assertThat(bug.getRegionError().getMessage())
                .contains("IllegalStateException")
                .doesNotContain("secret");
        assertThat(AnswerErrors.kind(bug)).isEqualTo("message");
        assertThat(AnswerErrors.kind(RawPutResponse.getDefaultInstance())).isEqualTo("none");
    }
}
