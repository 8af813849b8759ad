package io.rutile.gateway.rest;

import io.rutile.client.region.KeySpace;
import io.rutile.gateway.console.ClusterView;
import io.rutile.gateway.console.ClusterView.Measure;
import io.rutile.gateway.console.RegionQuery;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.MemComparable;
import io.rutile.protocol.WireLimits;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.RestController;

/** The cluster over HTTP: each method asks whether the caller may look, parses, and asks the view once. */
@RestController
final class ClusterController implements ClusterApi {

    /** A key of full size in a keyspace of API V2 (four bytes more), encoded. */
    private static final int BORDER_BYTES_MAX = MemComparable.encodedLength(WireLimits.KEY_BYTES_MAX + 4);

    private final ClusterView cluster;

    ClusterController(ClusterView cluster) {
        this.cluster = cluster;
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> overview(HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        return answer(request, response, cluster::overview);
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> stores(HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        return answer(request, response, cluster::stores);
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> regions(
            HttpServletRequest request,
            HttpServletResponse response,
            @Nullable String key,
            @Nullable String enc,
            @Nullable String as,
            @Nullable String store,
            @Nullable String check,
            @Nullable String top,
            @Nullable String limit)
            throws IOException {
        return answer(request, response, () -> {
            if (Stream.of(key, store, check, top).filter(Objects::nonNull).count() > 1) {
                throw ProblemType.INVALID_REQUEST.because("only one of key, store, check and top");
            }
            if (key == null && (enc != null || as != null)) {
                throw ProblemType.INVALID_REQUEST.because("enc and as are of a key, and there is none");
            }
            int count = limit == null ? RegionQuery.LIMIT_DEFAULT : (int) number(limit, "limit", RegionQuery.LIMIT_MAX);
            return query(key, enc, as, store, check, top).thenCompose(query -> cluster.regions(query, count));
        });
    }

    private CompletableFuture<RegionQuery> query(
            @Nullable String key,
            @Nullable String enc,
            @Nullable String as,
            @Nullable String store,
            @Nullable String check,
            @Nullable String top) {
        if (key != null) {
            return border(key, KeyEncoding.of(enc), as).thenApply(RegionQuery.From::new);
        }
        return CompletableFuture.completedFuture(
                store != null
                        ? new RegionQuery.OnStore(number(store, "store", Long.MAX_VALUE))
                        : check != null
                                ? checked(check)
                                : top != null
                                        ? new RegionQuery.Top(named(
                                                top,
                                                "top",
                                                RegionQuery.Top.Order.values(),
                                                RegionQuery.Top.Order::label))
                                        : new RegionQuery.From(ByteKey.EMPTY));
    }

    private static RegionQuery checked(String check) {
        try {
            return new RegionQuery.Checked(check);
        } catch (IllegalArgumentException e) {
            throw ProblemType.INVALID_REQUEST.because(String.valueOf(e.getMessage()));
        }
    }

    private CompletableFuture<ByteKey> border(String key, KeyEncoding encoding, @Nullable String as) {
        return switch (as == null ? "raw" : as) {
            case "raw" -> cluster.border(KeySpace.Mode.RAW, RequestKeys.of(key, encoding, "key"));
            case "txn" -> cluster.border(KeySpace.Mode.TXN, RequestKeys.of(key, encoding, "key"));
            case "border" -> {
                byte[] border = encoding.decode(key, "key");
                if (border.length > BORDER_BYTES_MAX) {
                    throw ProblemType.INVALID_REQUEST.because(
                            "key has " + border.length + " bytes, more than " + BORDER_BYTES_MAX);
                }
                yield CompletableFuture.completedFuture(ByteKey.wrap(border));
            }
            default -> throw ProblemType.INVALID_REQUEST.because("as is one of raw, txn and border");
        };
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> region(
            HttpServletRequest request, HttpServletResponse response, String id) throws IOException {
        return answer(request, response, () -> {
            long number = number(id, "id", Long.MAX_VALUE);
            return cluster.region(number)
                    .thenApply(found -> found.orElseThrow(
                            () -> ProblemType.NO_SUCH_RESOURCE.because("region " + number + " is not known")));
        });
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> operators(HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        return answer(request, response, cluster::operators);
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> scheduling(HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        return answer(request, response, cluster::scheduling);
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> heat(
            HttpServletRequest request, HttpServletResponse response, @Nullable String of) throws IOException {
        return answer(
                request,
                response,
                () -> cluster.heat(
                        of == null ? Measure.WRITTEN_BYTES : named(of, "of", Measure.values(), Measure::label)));
    }

    /** Borders of Regions are keys of users: no grant on a prefix covers them, and who operates the cluster has to see them. */
    private static <T> CompletableFuture<ResponseEntity<Void>> answer(
            HttpServletRequest request, HttpServletResponse response, Supplier<CompletableFuture<T>> question)
            throws IOException {
        CallerFilter.access(request).requireAdminToLook();
        JsonResponse answer = new JsonResponse(request, response);
        return question.get().thenCompose(answer::write);
    }

    private static long number(String text, String name, long max) {
        try {
            long number = Long.parseLong(text);
            if (number >= 1 && number <= max) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Told below, in the same words as one that is out of range.
        }
        throw ProblemType.INVALID_REQUEST.because(name + " is a number from 1 to " + max);
    }

    private static <T> T named(String text, String name, T[] all, Function<T, String> label) {
        return Arrays.stream(all)
                .filter(one -> label.apply(one).equals(text))
                .findFirst()
                .orElseThrow(() -> ProblemType.INVALID_REQUEST.because(
                        name + " is one of " + Arrays.stream(all).map(label).collect(Collectors.joining(", "))));
    }
}
