package dev.sluice.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;

/** An image that becomes a chain: a snapshot after each part of the clusters is written. */
final class PloopChain {
    private static final int CLUSTER = 1 << 20;
    /** Small for the page cache's sake, as {@link Fio#fill}. */
    private static final int PIECE = 64 << 10;

    private PloopChain() { }

    /** Fills a device; neighbours lie in different files. */
    static void fill(Path device, long size, int levels) throws IOException {
        byte[] bytes = new byte[PIECE];
        new Random(levels).nextBytes(bytes);
        for (int level = 0; level < levels; level++) {
            if (level > 0) {
                message(device, "snapshot");
            }
            try (FileChannel channel = FileChannel.open(device, StandardOpenOption.WRITE)) {
                for (long at = (long) level * CLUSTER; at < size; at += (long) levels * CLUSTER) {
                    for (int in = 0; in < CLUSTER; in += PIECE) {
                        channel.write(ByteBuffer.wrap(bytes), at + in);
                    }
                }
                channel.force(false);
            }
        }
    }

    /** Asks the device for something; done when it returns, unless it is work that goes on. */
    static void message(Path device, String words) throws IOException {
        Files.writeString(device.resolveSibling(".sluice").resolve(device.getFileName())
                .resolve("message"), words + "\n", StandardOpenOption.WRITE);
    }
}
