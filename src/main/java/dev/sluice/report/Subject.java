package dev.sluice.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.target.Delays;
import dev.sluice.zram.Codec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A device that is measured, as its mount says that it is.
 *
 * @param line what makes it, as in the table
 * @param lowers names of the devices that it stands on
 * @param readDelay how long reads are held back, as a table has it; empty for not at all
 * @param codec what its pages are compressed with; empty where they are not
 */
record Subject(Path file, String name, String type, String line, long size, long blockSize,
        boolean readOnly, long opens, List<String> lowers, String readDelay, String writeDelay,
        String codec) {

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
                                ? d.at("/target/codec").asText() : ""));
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

    /** Pages of 4 KiB a second that the codec can do on so many processors; 0 where none is. */
    double codecCeiling(boolean writes, int processors) throws BlockException {
        return codec.isEmpty() ? 0
                : processors * Codec.of(codec, 0, null).pagesASecond(writes);
    }
}
