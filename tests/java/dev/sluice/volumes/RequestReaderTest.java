package dev.sluice.volumes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testing.Seeds;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Requests, however they come in pieces, and what is none. */
@Tag("unit")
@Timeout(60)
class RequestReaderTest {
    private static final String GOOD = "POST /VolumeDriver.Get HTTP/1.1\r\nHost: plugin\r\n"
            + "Content-Length: 12\r\nUser-Agent: x\r\n\r\n{\"Name\":\"a\"}";

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static RequestReader read(String text) {
        RequestReader reader = new RequestReader();
        reader.take(bytes(text));
        return reader;
    }

    @Test
    void aRequestInAnyTwoPiecesIsTheSame() {
        for (String text : new String[] {GOOD, GOOD.replace("\r\n", "\n")}) {
            for (int cut = 0; cut <= text.length(); cut++) {
                RequestReader reader = new RequestReader();
                boolean first = reader.take(bytes(text.substring(0, cut)));
                assertThat(first).isEqualTo(cut == text.length());
                assertThat(reader.take(bytes(text.substring(cut)))).isTrue();
                Request request = reader.request();
                assertThat(request.method()).isEqualTo("POST");
                assertThat(request.path()).isEqualTo("/VolumeDriver.Get");
                assertThat(request.text()).isEqualTo("{\"Name\":\"a\"}");
            }
        }
    }

    @Test
    void byteByByteToo() {
        RequestReader reader = new RequestReader();
        for (int i = 0; i < GOOD.length(); i++) {
            assertThat(reader.take(bytes(GOOD.substring(i, i + 1))))
                    .isEqualTo(i == GOOD.length() - 1);
        }
        assertThat(reader.request().body()).hasSize(12);
    }

    @Test
    void whatComesAfterItIsLeft() {
        ByteBuffer both = bytes(GOOD + GOOD);
        RequestReader reader = new RequestReader();
        assertThat(reader.take(both)).isTrue();
        assertThat(reader.request().text()).isEqualTo("{\"Name\":\"a\"}");
    }

    @Test
    void withoutALengthThereIsNoBody() {
        assertThat(read("POST /Plugin.Activate HTTP/1.0\r\n\r\n").request().body()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "GET| 400",
        "GET / HTTP/2| 400",
        "get / HTTP/1.1| 400",
        "GET x HTTP/1.1| 400",
        "GET / HTTP/1.1~no colon| 400",
        "GET / HTTP/1.1~Content-Length: -1| 400",
        "GET / HTTP/1.1~Content-Length: 1e3| 400",
        "GET / HTTP/1.1~Content-Length: 99999999999999999999| 400",
        "GET / HTTP/1.1~Content-Length: 1~Content-Length: 2| 400",
        "GET / HTTP/1.1~Transfer-Encoding: chunked| 411",
        "GET / HTTP/1.1~Content-Length: 1048576| 413",
    })
    void whatIsNoRequestIsRefused(String head, int status) {
        RequestReader reader = read(head.replace("~", "\r\n") + "\r\n\r\n");
        assertThat(reader.request()).isNull();
        assertThat(reader.refused().status()).isEqualTo(status);
    }

    @Test
    void aHeadWithoutAnEndIsRefusedAtTheBound() {
        RequestReader reader = new RequestReader();
        int taken = 0;
        while (!reader.take(bytes("X".repeat(100)))) {
            taken += 100;
        }
        assertThat(taken).isLessThanOrEqualTo(RequestReader.MOST_HEAD);
        assertThat(reader.refused().status()).isEqualTo(431);
    }

    /** Good requests that were tampered with, in random pieces. */
    @Test
    void nothingThrows() {
        Random random = new Random(Seeds.seed("RequestReaderTest"));
        int good = 0;
        for (int i = 0; i < 100_000; i++) {
            byte[] text = GOOD.getBytes(StandardCharsets.ISO_8859_1);
            for (int n = random.nextInt(4); n > 0; n--) {
                text[random.nextInt(text.length)] = (byte) random.nextInt(256);
            }
            RequestReader reader = new RequestReader();
            ByteBuffer all = ByteBuffer.wrap(text);
            boolean over = false;
            while (all.hasRemaining() && !over) {
                int n = Math.min(all.remaining(), 1 + random.nextInt(40));
                over = reader.take(all.slice(all.position(), n));
                all.position(all.position() + n);
            }
            assertThat(reader.request() == null || reader.refused() == null).isTrue();
            good += reader.request() != null ? 1 : 0;
        }
        assertThat(good).isGreaterThan(25_000);
    }
}
