package io.rutile.pd.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WireProtocolTest {

    private static final String PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    @ParameterizedTest
    @CsvSource(
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "GET /pd/api/v1/stores HTTP/1.1,HTTP_1",
                "GET ,HTTP_1",
                "POST /,HTTP_1",
                "PUT /,HTTP_1",
                "PATCH /,HTTP_1",
                "DELETE /,HTTP_1",
                "OPTIONS *,HTTP_1",
                "GET,UNDECIDED",
                "P,UNDECIDED",
                "PR,UNDECIDED",
                "PO,UNDECIDED",
                "PRI * HTTP/2.0,UNDECIDED",
                "PRI * HTTP/1.1,FOREIGN",
                "GETS,FOREIGN",
                "get /,FOREIGN",
                "\u0016\u0003\u0001,FOREIGN",
                "CONNECT x:1,FOREIGN",
                "PROPFIND /,FOREIGN"
            })
    void firstBytesSayWhatIsSpoken(String words, WireProtocol expected) {
        assertThat(WireProtocol.of(bytes(words))).isEqualTo(expected);
    }

    @Test
    void wholePrefaceIsNeededAndLeftWhereItIs() {
        for (int length = 0; length < PREFACE.length(); length++) {
            assertThat(WireProtocol.of(bytes(PREFACE.substring(0, length))))
                    .as("first %d bytes", length)
                    .isEqualTo(WireProtocol.UNDECIDED);
        }
        ByteBuf whole = bytes(PREFACE + "\u0000\u0000\u0000");

        assertThat(WireProtocol.of(whole)).isEqualTo(WireProtocol.HTTP_2);
        assertThat(whole.readableBytes()).isEqualTo(PREFACE.length() + 3);
    }

    private static ByteBuf bytes(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.ISO_8859_1);
    }
}
