package dev.sluice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.target.Words;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** A device of a mount, through its file and its control files. */
final class LiveDisk implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    final Path path;
    final long cluster;
    private final Path control;
    private final FileChannel file;

    /** Whether a path is the file of a device. */
    static boolean named(String path) {
        return Files.exists(control(Path.of(path)).resolve("status.json"));
    }

    /** The DiskDescriptor.xml of the disk that a device shows. */
    static String descriptor(Path path) throws BlockException {
        try (LiveDisk disk = new LiveDisk(path)) {
            List<String> words = Words.split(disk.fact("descriptor").asText());
            if (words.size() != 1) {
                throw new BlockException(Errno.ENOENT, path + " has no snapshots; leave"
                        + " --snapshot out, or make one with: sluice message " + path
                        + " snapshot");
            }
            return words.get(0);
        }
    }

    private static Path control(Path path) {
        return path.toAbsolutePath().resolveSibling(".sluice").resolve(path.getFileName());
    }

    LiveDisk(Path path) throws BlockException {
        this.path = path;
        control = control(path);
        JsonNode all = status();
        if (!all.path("target").has("tracking")) {
            throw new BlockException(Errno.EOPNOTSUPP, path + " is a device of type "
                    + all.path("type").asText() + ", whose changes are not tracked; those of ploop"
                    + " are");
        }
        cluster = all.path("target").path("cluster").asLong();
        try {
            file = FileChannel.open(path, StandardOpenOption.READ);
        } catch (IOException e) {
            throw failed(path + " cannot be opened: " + e, e);
        }
    }

    private static BlockException failed(String sentence, IOException cause) {
        return new BlockException(Errno.EIO, sentence + "; the log of its mount may say why, send"
                + " again when that is mended", cause);
    }

    /** The device's status. */
    private JsonNode status() throws BlockException {
        try {
            return JSON.readTree(Files.readAllBytes(control.resolve("status.json")));
        } catch (IOException e) {
            throw failed("the status of " + path + " cannot be read: " + e, e);
        }
    }

    /** A value that its target tells. */
    JsonNode fact(String name) throws BlockException {
        return status().path("target").path(name);
    }

    /** Bytes of it; it does not grow while its changes are tracked. */
    long size() throws BlockException {
        return status().path("size").asLong();
    }

    /** Which tracking of its changes is on; empty where none is. */
    String tracking() throws BlockException {
        return fact("tracking_id").asText();
    }

    /** Clusters still to be told; of what changed while somebody else asks, nothing is known. */
    int left(String trackingId) throws BlockException {
        JsonNode target = status().path("target");
        if (!target.path("tracking_id").asText().equals(trackingId)) {
            throw new BlockException(Errno.ENOENT, path + " does not track changes for this"
                    + " transfer any more: somebody has sent it tracking_stop; send all again");
        }
        return target.path("tracking_left").asInt();
    }

    /** Tells the device something. */
    void message(String words) throws BlockException {
        try {
            Files.write(control.resolve("message"), words.getBytes(StandardCharsets.UTF_8),
                    StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, why(words, e), e);
        }
    }

    private String why(String words, IOException e) {
        try {
            String sentence = Files.readString(control.resolve("error")).strip();
            return sentence.isEmpty() ? refused(words, e) : sentence;
        } catch (IOException second) {
            return refused(words, e);
        }
    }

    private String refused(String words, IOException e) {
        return path + " refuses " + words + ": " + e + "; the log of its mount may say why";
    }

    /** The next clusters to copy; there are some. */
    List<Integer> next(int most) throws BlockException {
        message("tracking_get_next " + most);
        try {
            return Files.readString(control.resolve("tracking")).lines().map(Integer::valueOf)
                    .toList();
        } catch (IOException e) {
            throw failed("what " + path + " tells cannot be read: " + e, e);
        }
    }

    /** Reads a range of the disk as it is now. */
    void read(long offset, Memory to, int length) throws BlockException {
        ByteBuffer piece = to.bytes().slice(0, length);
        while (piece.hasRemaining()) {
            long at = offset + length - piece.remaining();
            int got;
            try {
                got = file.read(piece, at);
            } catch (IOException e) {
                throw failed(path + " cannot be read at byte " + at + ": " + e.getMessage(), e);
            }
            if (got <= 0) {
                throw new BlockException(Errno.EIO, path + " ends at byte " + at
                        + ", before its size says; send again");
            }
        }
    }

    @Override
    public void close() throws BlockException {
        try {
            file.close();
        } catch (IOException e) {
            throw failed(path + " cannot be closed: " + e, e);
        }
    }
}
