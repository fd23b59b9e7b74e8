package dev.sluice.zram;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;

/** Pages as disks have them. */
final class PageKinds {
    private final Random random;
    private final int page;

    PageKinds(Random random, int page) {
        this.random = random;
        this.page = page;
    }

    byte[] next() {
        return switch (random.nextInt(8)) {
            case 0 -> new byte[page];
            case 1 -> repeated();
            case 2 -> almostRepeated();
            case 3 -> noise(page);
            case 4 -> text();
            default -> noise(random.nextInt(page));
        };
    }

    byte[] repeated() {
        byte[] bytes = new byte[page];
        byte[] word = new byte[8];
        random.nextBytes(word);
        for (int i = 0; i < page; i++) {
            bytes[i] = word[i % 8];
        }
        return bytes;
    }

    /** Differs in one bit, anywhere. */
    byte[] almostRepeated() {
        byte[] bytes = repeated();
        bytes[random.nextInt(page)] ^= (byte) (1 << random.nextInt(8));
        return bytes;
    }

    /** So many bytes cannot be compressed, the rest are zeros. */
    byte[] noise(int bytes) {
        byte[] noise = new byte[bytes];
        random.nextBytes(noise);
        return Arrays.copyOf(noise, page);
    }

    byte[] text() {
        StringBuilder text = new StringBuilder();
        while (text.length() < page) {
            text.append("word").append(random.nextInt(200)).append(' ');
        }
        return text.substring(0, page).getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    }

    static boolean isSame(byte[] page) {
        ByteBuffer bytes = ByteBuffer.wrap(page);
        for (int i = 0; i < page.length; i += 8) {
            if (bytes.getLong(i) != bytes.getLong(0)) {
                return false;
            }
        }
        return true;
    }
}
