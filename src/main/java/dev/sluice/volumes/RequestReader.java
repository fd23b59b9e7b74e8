package dev.sluice.volumes;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/**
 * Puts one request of HTTP/1 together from its bytes as they come. Its room grows with what came,
 * to a bound: what is beyond is refused before it is held.
 */
final class RequestReader {
    static final int MOST_HEAD = 8 << 10;
    static final int MOST_BODY = 64 << 10;

    private static final int NOT_YET = -1;

    private byte[] bytes = new byte[512];
    private int count;
    private int bodyAt = NOT_YET;
    private int length;
    private String method;
    private String path;
    private Request request;
    private Refused refused;

    /** Why there is no request: a status of HTTP, and a sentence. */
    record Refused(int status, String sentence) {}

    /** Takes bytes in; true when there is a {@link #request} or it is {@link #refused}. */
    boolean take(ByteBuffer more) {
        while (more.hasRemaining() && !over()) {
            int room = Math.min(more.remaining(), most() - count);
            if (room == 0) {
                refused = new Refused(431, "the head of the request is longer than " + MOST_HEAD
                        + " bytes");
                return true;
            }
            if (count + room > bytes.length) {
                bytes = Arrays.copyOf(bytes, Math.min(most(),
                        Math.max(count + room, 2 * bytes.length)));
            }
            int from = count;
            more.get(bytes, count, room);
            count += room;
            if (bodyAt == NOT_YET) {
                findHead(Math.max(0, from - 3));
            }
            if (refused == null && bodyAt != NOT_YET && count >= bodyAt + length) {
                request = new Request(method, path,
                        Arrays.copyOfRange(bytes, bodyAt, bodyAt + length));
            }
        }
        return over();
    }

    /** How many bytes there may be, as far as is known. */
    private int most() {
        return bodyAt == NOT_YET ? MOST_HEAD : Math.max(count, bodyAt + length);
    }

    private boolean over() {
        return request != null || refused != null;
    }

    /** The request, or null. */
    Request request() {
        return request;
    }

    /** Why there is none, or null. */
    Refused refused() {
        return refused;
    }

    /** How far it has come, for a sentence. */
    boolean empty() {
        return count == 0;
    }

    private void findHead(int from) {
        for (int i = from; i + 1 < count; i++) {
            if (bytes[i] == '\n' && (bytes[i + 1] == '\n'
                    || i + 2 < count && bytes[i + 1] == '\r' && bytes[i + 2] == '\n')) {
                bodyAt = i + (bytes[i + 1] == '\n' ? 2 : 3);
                head(new String(bytes, 0, i, StandardCharsets.ISO_8859_1));
                return;
            }
        }
    }

    private void head(String text) {
        String[] lines = text.split("\r?\n", -1);
        String[] words = lines[0].strip().split(" ", -1);
        if (words.length != 3 || !words[2].matches("HTTP/1\\.[01]")
                || !words[0].matches("[A-Z]{1,16}") || !words[1].startsWith("/")) {
            refuse(400, "this is no request of HTTP/1.1, as in: POST /Plugin.Activate HTTP/1.1");
            return;
        }
        method = words[0];
        path = words[1];
        String given = null;
        for (int i = 1; i < lines.length; i++) {
            int colon = lines[i].indexOf(':');
            if (colon <= 0) {
                refuse(400, "a header line of the request has no name");
                return;
            }
            String name = lines[i].substring(0, colon).strip().toLowerCase(Locale.ROOT);
            String value = lines[i].substring(colon + 1).strip();
            if (name.equals("transfer-encoding")) {
                refuse(411, "the request must say its Content-Length, and is sent in pieces");
                return;
            }
            if (name.equals("content-length")) {
                if (!value.matches("\\d{1,18}") || given != null && !given.equals(value)) {
                    refuse(400, "the Content-Length of the request is no number");
                    return;
                }
                given = value;
            }
        }
        long asked = given == null ? 0 : Long.parseLong(given);
        if (asked > MOST_BODY) {
            refuse(413, "the request is larger than " + MOST_BODY + " bytes");
            return;
        }
        length = (int) asked;
    }

    private void refuse(int status, String sentence) {
        refused = new Refused(status, sentence);
    }
}
