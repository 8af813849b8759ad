package io.rutile.gateway.rest;

import io.rutile.client.feed.Change;
import io.rutile.protocol.KeyRange;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Changes as server-sent events.
 *
 * <pre>
 * event  := "id: " position "\n" "event: " ("put" | "delete") "\n" "data: " change "\n\n"
 * change := { key [, value], "commitTs": "…" }             one line, keys and values as {@link PairJson} writes them
 * end    := "id: " position "\n" "event: end\n" "data: " {"problem": …} "\n\n"
 * </pre>
 */
final class ChangeJson {

    private ChangeJson() {}

    /** @param before what stands in front of the first */
    static Iterator<byte[]> events(String before, List<Change> changes, KeyRange range, KeyEncoding encoding) {
        return PairJson.chunks(IntStream.range(0, changes.size())
                .mapToObj(i -> event(i == 0 ? before : "", changes.get(i), range, encoding)));
    }

    private static byte[] event(String before, Change change, KeyRange range, KeyEncoding encoding) {
        String head = before + "id: " + change.position().token(range) + "\nevent: "
                + (change.isDelete() ? "delete" : "put") + "\ndata: ";
        return PairJson.json((int) change.sizeBytes(), head, "\n\n", json -> {
            json.writeStartObject();
            PairJson.writeBytes("key", change.key().bytes(), encoding, json);
            byte[] value = change.value();
            if (value != null) {
                PairJson.writeBytes("value", value, encoding, json);
            }
            json.writeStringProperty("commitTs", change.commitTs().toString());
            json.writeEndObject();
        });
    }

    /** The last one. */
    static byte[] end(String position, Problem problem) {
        ByteArrayOutputStream event = new ByteArrayOutputStream();
        event.writeBytes(("id: " + position + "\nevent: end\ndata: {\"problem\":").getBytes(StandardCharsets.UTF_8));
        event.writeBytes(ProblemWriter.toJson(problem));
        event.writeBytes("}\n\n".getBytes(StandardCharsets.UTF_8));
        return event.toByteArray();
    }
}
