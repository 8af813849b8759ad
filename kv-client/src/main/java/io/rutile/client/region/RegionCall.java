package io.rutile.client.region;

import io.grpc.MethodDescriptor;
import io.rutile.client.ReadFrom;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.Context;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A request that one Region can answer. The sender reads nothing of it but what is said here.
 *
 * @param method the RPC
 * @param request makes the request for a Region, with the given context in it
 * @param fits whether that Region holds everything that the request is about
 * @param regionError the Region error in a response, null if there is none
 * @param repeatable whether carrying it out twice is as good as once
 * @param readFrom who may serve it; {@code LEADER} for whatever writes
 */
public record RegionCall<Q, R>(
        MethodDescriptor<Q, R> method,
        BiFunction<Context, CachedRegion, Q> request,
        Predicate<CachedRegion> fits,
        Function<R, @Nullable Error> regionError,
        boolean repeatable,
        ReadFrom readFrom) {

    /** For the leader. */
    public RegionCall(
            MethodDescriptor<Q, R> method,
            BiFunction<Context, CachedRegion, Q> request,
            Predicate<CachedRegion> fits,
            Function<R, @Nullable Error> regionError,
            boolean repeatable) {
        this(method, request, fits, regionError, repeatable, ReadFrom.LEADER);
    }

    /** The same read, served by others. */
    public RegionCall<Q, R> from(ReadFrom other) {
        return new RegionCall<>(method, request, fits, regionError, repeatable, other);
    }

    String name() {
        String bare = method.getBareMethodName();
        return bare == null ? method.getFullMethodName() : bare;
    }
}
