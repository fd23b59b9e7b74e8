package dev.sluice.volumes;

import java.nio.charset.StandardCharsets;

/** A request of HTTP as far as the plugin needs it. */
record Request(String method, String path, byte[] body) {
    String text() {
        return new String(body, StandardCharsets.UTF_8);
    }
}
