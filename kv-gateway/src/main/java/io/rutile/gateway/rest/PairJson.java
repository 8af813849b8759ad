package io.rutile.gateway.rest;

import io.rutile.client.raw.RawKv.Pair;
import io.rutile.gateway.kv.AtomicCall;
import io.rutile.gateway.kv.AtomicCall.Operation;
import io.rutile.protocol.ByteKey;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Pairs as JSON.
 *
 * <pre>
 * pair  := { key [, value] }
 * key   := "key": text | "keyBase64url": base64url
 * value := "value": text | "valueBase64url": base64url
 * text  := the bytes in the request's encoding
 * </pre>
 *
 * The second forms appear only where the encoding is {@code utf8} and the bytes are no readable text, that is, not valid UTF-8 or
 * with control characters other than tab, line feed and carriage return. So every pair can be written in every encoding, nothing
 * is lost, and a pair as it is written here is what {@link BatchJson} reads.
 */
final class PairJson {

    /** Size at which collected pieces are handed to the connection. */
    private static final int CHUNK_BYTES = 32 << 10;

    private static final JsonFactory JSON = new JsonFactory();

    private PairJson() {}

    /** Bytes of keys and values. */
    static long bytesOf(List<Pair> pairs) {
        return pairs.stream()
                .mapToLong(pair -> pair.key().bytes().length + pair.value().length)
                .sum();
    }

    /** The pairs as lines, in chunks that are made as they are asked for. */
    static Iterator<byte[]> lines(List<Pair> pairs, KeyEncoding encoding, boolean keysOnly) {
        return chunks(pairs.stream().map(pair -> piece("", pair, encoding, keysOnly, "\n")));
    }

    /** {@code { "pairs": [ pair* ] [, "unread": [ { key }+ ]] }}, in chunks that are made as they are asked for. */
    static Iterator<byte[]> readPairs(List<Pair> pairs, List<ByteKey> unread, KeyEncoding encoding) {
        Stream<byte[]> read = IntStream.range(0, pairs.size())
                .mapToObj(i -> piece(i == 0 ? "" : ",", pairs.get(i), encoding, false, ""));
        Stream<byte[]> left = IntStream.range(0, unread.size())
                .mapToObj(i -> piece(
                        i == 0 ? ",\"unread\":[" : ",",
                        new Pair(unread.get(i), new byte[0]),
                        encoding,
                        true,
                        i == unread.size() - 1 ? "]" : ""));
        return chunks(
                Stream.of(Stream.of(utf8("{\"pairs\":[")), read, Stream.of(utf8("]")), left, Stream.of(utf8("}\n")))
                        .flatMap(pieces -> pieces));
    }

    /**
     * {@code { "succeeded": …, "startTs": "…" [, "commitTs": "…"], "results": [ { ["pairs": [ pair* ]] }* ] }}, in chunks that are
     * made as they are asked for. Timestamps are strings: they have more digits than many readers of JSON keep.
     *
     * @param operations whose results these are
     */
    static Iterator<byte[]> atomicCall(AtomicCall.Result result, List<Operation> operations, KeyEncoding encoding) {
        String head = "{\"succeeded\":" + result.succeeded() + ",\"startTs\":\"" + result.startTs() + "\""
                + (result.commitTs() == null ? "" : ",\"commitTs\":\"" + result.commitTs() + "\"")
                + ",\"results\":[";
        Stream<byte[]> results = IntStream.range(0, operations.size())
                .boxed()
                .flatMap(i -> result(
                        i == 0 ? "" : ",", operations.get(i), result.results().get(i), encoding));
        return chunks(Stream.of(Stream.of(utf8(head)), results, Stream.of(utf8("]}\n")))
                .flatMap(pieces -> pieces));
    }

    private static Stream<byte[]> result(String before, Operation operation, List<Pair> pairs, KeyEncoding encoding) {
        if (operation.writes()) {
            return Stream.of(utf8(before + "{}"));
        }
        boolean keysOnly =
                operation instanceof AtomicCall.Scan scan && scan.request().keysOnly();
        Stream<byte[]> read = IntStream.range(0, pairs.size())
                .mapToObj(i -> piece(i == 0 ? "" : ",", pairs.get(i), encoding, keysOnly, ""));
        return Stream.of(Stream.of(utf8(before + "{\"pairs\":[")), read, Stream.of(utf8("]}")))
                .flatMap(pieces -> pieces);
    }

    /** The last line of a stream that broke off. */
    static byte[] problemLine(Problem problem) {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        line.writeBytes(utf8("{\"problem\":"));
        line.writeBytes(ProblemWriter.toJson(problem));
        line.writeBytes(utf8("}\n"));
        return line.toByteArray();
    }

    private static byte[] piece(String before, Pair pair, KeyEncoding encoding, boolean keyOnly, String after) {
        return json(pair.key().bytes().length + pair.value().length, before, after, json -> {
            json.writeStartObject();
            writeBytes("key", pair.key().bytes(), encoding, json);
            if (!keyOnly) {
                writeBytes("value", pair.value(), encoding, json);
            }
            json.writeEndObject();
        });
    }

    static byte[] json(int sizeHint, String before, String after, Consumer<JsonGenerator> content) {
        ByteArrayOutputStream piece = new ByteArrayOutputStream(64 + sizeHint * 3 / 2);
        piece.writeBytes(utf8(before));
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), piece)) {
            content.accept(json);
        }
        piece.writeBytes(utf8(after));
        return piece.toByteArray();
    }

    static void writeBytes(String name, byte[] bytes, KeyEncoding encoding, JsonGenerator json) {
        String text = encoding == KeyEncoding.UTF8 ? readable(bytes) : encoding.encode(bytes);
        if (text != null) {
            json.writeStringProperty(name, text);
        } else {
            json.writeStringProperty(name + "Base64url", KeyEncoding.BASE64URL.encode(bytes));
        }
    }

    /** The bytes as text; null if they are none. Control characters count as none: escaped, each would take six bytes. */
    static @Nullable String readable(byte[] bytes) {
        for (byte b : bytes) {
            if (b >= 0 && b < 0x20 && b != '\t' && b != '\n' && b != '\r') {
                return null;
            }
        }
        try {
            CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            return text.toString();
        } catch (CharacterCodingException e) {
            return null;
        }
    }

    static Iterator<byte[]> chunks(Stream<byte[]> lazyPieces) {
        Iterator<byte[]> pieces = lazyPieces.iterator();
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return pieces.hasNext();
            }

            @Override
            public byte[] next() {
                byte[] piece = pieces.next();
                if (piece.length >= CHUNK_BYTES || !pieces.hasNext()) {
                    return piece;
                }
                ByteArrayOutputStream chunk = new ByteArrayOutputStream(2 * CHUNK_BYTES);
                chunk.writeBytes(piece);
                while (chunk.size() < CHUNK_BYTES && pieces.hasNext()) {
                    chunk.writeBytes(pieces.next());
                }
                return chunk.toByteArray();
            }
        };
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
