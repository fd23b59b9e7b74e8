package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.ploop.StreamHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How far a transfer has come that was interrupted, as one word: its id, and the cluster up to
 * which all have come. A receiver keeps it in a file beside what it has.
 *
 * @param id of the transfer
 * @param position clusters below have come
 */
record Transfer(UUID id, long position) {
    private static final Pattern TOKEN = Pattern.compile("([0-9a-f-]{36}):(\\d{1,10})");

    static Transfer parse(String token) throws BlockException {
        Matcher m = TOKEN.matcher(token);
        try {
            if (m.matches()) {
                return new Transfer(UUID.fromString(m.group(1)), Long.parseLong(m.group(2)));
            }
        } catch (IllegalArgumentException e) {
            // Refused below.
        }
        throw new BlockException(Errno.EINVAL, token + " tells no interrupted transfer; what does"
                + " is said by: sluice image receive --token FILE");
    }

    String token() {
        return id + ":" + position;
    }

    /** Where the rest of a file is to go until it is whole. */
    static Path part(Path file) {
        return file.toAbsolutePath().resolveSibling("." + file.getFileName() + ".part");
    }

    private static Path note(Path file) {
        return file.toAbsolutePath().resolveSibling("." + file.getFileName() + ".part.token");
    }

    /** What is kept of a transfer to a file. */
    static Transfer of(Path file) throws BlockException {
        String token;
        try {
            token = Files.readString(note(file)).strip();
        } catch (IOException e) {
            throw new BlockException(Errno.ENOENT, "no transfer to " + file + " was interrupted;"
                    + " receive without --resume", e);
        }
        return parse(token);
    }

    /** Whether it is the one that a stream belongs to. */
    void check(Path file, StreamHeader stream) throws BlockException {
        if (!stream.id().equals(id)) {
            throw new BlockException(Errno.EPROTO, "the stream is of transfer " + stream.id()
                    + ", and what is there of " + file + " of " + id + "; send that on with"
                    + " --resume " + token() + ", or delete " + part(file));
        }
    }

    /** Keeps it, durably, in place of what was kept before. */
    void keep(Path file) throws BlockException {
        Path draft = note(file).resolveSibling(note(file).getFileName() + ".new");
        try {
            try (FileChannel out = FileChannel.open(draft, StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
                out.write(ByteBuffer.wrap((token() + "\n").getBytes(StandardCharsets.UTF_8)));
                out.force(true);
            }
            Files.move(draft, note(file), StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
            NewFile.sync(draft.getParent());
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, note(file) + " cannot be written (" + e
                    + "); make room in its folder, or make that writable", e);
        }
    }

    /** The transfer is over. */
    static void forget(Path file) throws BlockException {
        try {
            Files.deleteIfExists(note(file));
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, note(file) + " cannot be deleted (" + e
                    + "); delete it by hand", e);
        }
    }
}
