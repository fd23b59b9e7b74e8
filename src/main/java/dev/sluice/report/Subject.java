package dev.sluice.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.block.BlockException;
import dev.sluice.block.Clock;
import dev.sluice.block.Errno;
import dev.sluice.target.Delays;
import dev.sluice.zram.CodecSpeed;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A device that is measured, as its mount says that it is.
 *
 * @param line what makes it, as in the table
 * @param lowers names of the devices that it stands on
 * @param readDelay how long reads are held back, as a table has it; empty for not at all
 * @param codec what its blocks are compressed with; null where they are not
 */
record Subject(Path file, String name, String type, String line, long size, long blockSize,
        boolean readOnly, long opens, List<String> lowers, String readDelay, String writeDelay,
        Codec codec) {
    private static final int SAMPLE_BYTES = 2 << 20;
    private static final int MOST_SAMPLES = 256;

    /**
     * A codec as a table has it.
     *
     * @param dictionary its file; empty for none
     */
    record Codec(String name, int level, String dictionary) {
        private static Codec of(JsonNode target) {
            String dictionary = target.path("dictionary").asText();
            return new Codec(target.path("codec").asText(), target.path("level").asInt(),
                    dictionary.equals("none") ? "" : dictionary);
        }
    }

    /** The devices of a mount, in the order of its table. */
    static List<Subject> of(Path mount) throws BlockException {
        List<Subject> all = new ArrayList<>();
        try {
            JsonNode status = new ObjectMapper().readTree(Files.readString(
                    mount.resolve(".sluice").resolve("status.json")));
            for (JsonNode d : status.path("devices")) {
                List<String> lowers = new ArrayList<>();
                d.path("lowers").forEach(l -> lowers.add(l.asText()));
                boolean delays = d.path("type").asText().equals("delay");
                String name = d.path("name").asText();
                all.add(new Subject(mount.resolve(name), name, d.path("type").asText(),
                        d.path("table").asText(), d.path("size").asLong(),
                        d.path("block_size").asLong(), d.path("read_only").asBoolean(),
                        d.path("opens").asLong(), lowers,
                        delays ? d.at("/target/read").asText() : "",
                        delays ? d.at("/target/write").asText() : "",
                        d.path("type").asText().equals("zram")
                                ? Codec.of(d.path("target")) : null));
            }
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, mount + " does not say what its devices are ("
                    + e.getMessage() + "); it must be a mount that is served", e);
        }
        return all;
    }

    /** Delays asked for, in nanoseconds, sorted; empty where none are. */
    long[] asked(boolean writes) throws BlockException {
        String text = writes ? writeDelay : readDelay;
        return text.isEmpty() ? new long[0] : Delays.spread(text);
    }

    /**
     * Blocks a second that the codec alone makes of this device's data on all processors, in
     * memory; 0 where nothing is to be compressed.
     *
     * @param writes what fio writes is compressed; else what is on the device is decompressed
     */
    double codecCeiling(boolean writes, Clock clock) throws BlockException, InterruptedException {
        if (codec == null) {
            return 0;
        }
        return new CodecSpeed(codec.name, codec.level, codec.dictionary, (int) blockSize)
                .pagesASecond(writes ? written() : sample(), writes,
                        Runtime.getRuntime().availableProcessors(), clock);
    }

    private int samples() {
        return (int) Math.min(MOST_SAMPLES, Math.min(size, SAMPLE_BYTES) / blockSize);
    }

    /** Blocks like those that {@link Fio} writes: of each 4k one half is noise, the other zero. */
    private byte[] written() {
        byte[] all = new byte[samples() * (int) blockSize];
        byte[] noise = new byte[Fio.CHUNK / 2];
        Random random = new Random(1);
        for (int at = 0; at < all.length; at += Fio.CHUNK) {
            random.nextBytes(noise);
            System.arraycopy(noise, 0, all, at, noise.length);
        }
        return all;
    }

    /** Blocks from all over the device, as random reads find them. */
    private byte[] sample() throws BlockException {
        byte[] all = new byte[samples() * (int) blockSize];
        Random random = new Random(1);
        try (FileChannel in = FileChannel.open(file)) {
            for (int at = 0; at < all.length; at += blockSize) {
                ByteBuffer block = ByteBuffer.wrap(all, at, (int) blockSize);
                long from = (long) (random.nextDouble() * (size / blockSize)) * blockSize;
                while (block.hasRemaining()
                        && in.read(block, from + block.position() - at) > 0) {
                    continue;
                }
            }
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, file + " cannot be read (" + e.getMessage()
                    + "); the log of its mount may say why", e);
        }
        return all;
    }
}
