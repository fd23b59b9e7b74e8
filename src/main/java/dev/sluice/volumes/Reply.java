package dev.sluice.volumes;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a request is answered with: a status of HTTP and JSON. */
record Reply(int status, byte[] json) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Map<Integer, String> REASONS = Map.of(200, "OK", 400, "Bad Request",
            404, "Not Found", 405, "Method Not Allowed", 408, "Request Timeout",
            411, "Length Required", 413, "Content Too Large",
            431, "Request Header Fields Too Large", 500, "Internal Server Error",
            503, "Service Unavailable");

    /** It went well; the fields, with an empty Err as the protocol wants it. */
    static Reply of(Map<String, Object> fields) {
        Map<String, Object> all = new LinkedHashMap<>(fields);
        all.put("Err", "");
        return new Reply(200, json(all));
    }

    /** It did not. */
    static Reply error(int status, String sentence) {
        return new Reply(status, json(Map.of("Err", sentence.replace('\n', ' '))));
    }

    private static byte[] json(Map<String, Object> all) {
        try {
            return JSON.writeValueAsBytes(all);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** As it is sent; one connection is for one request. */
    byte[] bytes() {
        byte[] head = ("HTTP/1.1 " + status + " " + REASONS.get(status) + "\r\n"
                + "Content-Type: application/vnd.docker.plugins.v1.1+json\r\n"
                + "Content-Length: " + json.length + "\r\nConnection: close\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        byte[] all = new byte[head.length + json.length];
        System.arraycopy(head, 0, all, 0, head.length);
        System.arraycopy(json, 0, all, head.length, json.length);
        return all;
    }
}
