package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.ploop.Chain;
import dev.sluice.ploop.Contents;
import dev.sluice.ploop.DiskDescriptor;
import dev.sluice.ploop.Header;
import dev.sluice.ploop.Lower;
import dev.sluice.ploop.StreamHeader;
import dev.sluice.ploop.StreamOut;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.function.IntPredicate;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Sends a disk to standard output: a device in use, as it is at one moment, or an image. */
@Command(name = "send", description = {"Sends a disk to standard output, for image receive.",
    "A device that is in use goes on meanwhile; what is sent is of one moment."})
final class ImageSend implements Callable<Integer> {
    @Option(names = "--from", paramLabel = "GUID", description = "sends what has changed since"
            + " this snapshot")
    private String from;

    @Option(names = "--snapshot", paramLabel = "GUID", description = "of a DiskDescriptor.xml,"
            + " sends this state; also while a device has the disk open")
    private String snapshot;

    @Option(names = "--resume", paramLabel = "TOKEN", description = "goes on with a transfer that"
            + " was interrupted; image receive --token tells the word")
    private String resume;

    @Option(names = "--hold", paramLabel = "TIME", defaultValue = "10s", description = "for how"
            + " long a device may hold changes back while the last of them are read (10s)")
    private String hold;

    @Option(names = "--spool", paramLabel = "DIR", description = "where what is read then is kept"
            + " until it is sent, if memory is too small")
    private Path spool = Path.of(System.getProperty("java.io.tmpdir"));

    @Option(names = "--quiet", description = "shows no bar")
    private boolean quiet;

    @Parameters(index = "0", paramLabel = "SOURCE", description = "DIR/DEVICE of a mount, or "
            + OpenChain.MEANING)
    private String source;

    @Override
    public Integer call() throws BlockException {
        Transfer old = resume == null ? null : Transfer.parse(resume);
        String since = from == null ? DiskDescriptor.NOTHING : DiskDescriptor.guid(from);
        try (FileOutputStream file = new FileOutputStream(FileDescriptor.out);
                FileChannel out = file.getChannel();
                Bar bar = new Bar("send", !quiet)) {
            if (LiveDisk.named(source) && snapshot != null) {
                // What is below the top does not change, and is read past the device.
                source = LiveDisk.descriptor(Path.of(source));
            }
            if (LiveDisk.named(source)) {
                try (LiveDisk disk = new LiveDisk(Path.of(source))) {
                    new LiveSend(disk, since, hold, spool, bar).run(out, old);
                }
            } else {
                source = disk(source);
                chain(since, out, old, bar);
            }
            return 0;
        } catch (BlockException e) {
            throw e;
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "standard output cannot be closed (" + e
                    + "); send again, and look whether the receiver had room", e);
        }
    }

    /** What a table line means by it: an image that has a descriptor beside it is its disk. */
    static String disk(String named) {
        String descriptor = Chain.descriptor(named);
        return Files.exists(Path.of(named)) && Files.exists(Path.of(descriptor)) ? descriptor
                : named;
    }

    private void chain(String since, FileChannel out, Transfer old, Bar bar)
            throws BlockException {
        String guid = snapshot == null ? null : DiskDescriptor.guid(snapshot);
        try (OpenChain chain = OpenChain.open(source, guid)) {
            String state = state(guid);
            Contents disk = chain.contents();
            long cluster = clusterBytes(chain);
            StreamHeader header = new StreamHeader(id(chain, state, since), state, since,
                    disk.size(), cluster, old == null ? 0 : old.position());
            if (old != null && !old.id().equals(header.id())) {
                throw new BlockException(Errno.EPROTO, "the transfer " + old.id() + " was of"
                        + " another disk, or " + source + " has changed since; send all again");
            }
            IntPredicate sent = sent(chain, since, guid);
            int clusters = (int) ((disk.size() + cluster - 1) / cluster);
            StreamOut stream = new StreamOut(header, out, chain.arena.map(Limits.MAX_DATA));
            for (int i = (int) header.position(); i < clusters; i++) {
                if (sent.test(i)) {
                    stream.cluster(i, disk::read);
                    bar.at(Math.min(disk.size(), i * cluster), disk.size());
                }
            }
            stream.turn();
            stream.end();
            bar.at(disk.size(), disk.size());
        }
    }

    /** The GUID of what is sent. */
    private String state(String guid) throws BlockException {
        return guid != null ? guid : Chain.described(source)
                ? DiskDescriptor.read(Path.of(source)).top() : DiskDescriptor.TOP;
    }

    private long clusterBytes(OpenChain chain) throws BlockException {
        if (chain.top().raw()) {
            return DiskDescriptor.read(Path.of(source)).clusterSectors() * Header.SECTOR;
        }
        if (chain.stack().top().header().dirty()) {
            throw new BlockException(Errno.EBUSY, chain.top().path() + " was not closed; put it"
                    + " right first, with: sluice image check --repair " + chain.top().path());
        }
        return chain.stack().top().header().clusterBytes();
    }

    /** Which clusters are to be sent. */
    private IntPredicate sent(OpenChain chain, String since, String guid) throws BlockException {
        if (chain.top().raw()) {
            if (!since.equals(DiskDescriptor.NOTHING)) {
                throw new BlockException(Errno.ENOENT, guid + " is the lowest snapshot, and stands"
                        + " on nothing; send it without --from");
            }
            Contents disk = chain.contents();
            long cluster = clusterBytes(chain);
            return i -> disk.seek(i * cluster, true) < Math.min(disk.size(), (i + 1) * cluster);
        }
        int least = since.equals(DiskDescriptor.NOTHING) ? 0 : level(since, guid) + 1;
        var stack = chain.stack();
        return i -> stack.level(i) >= least;
    }

    private int level(String since, String guid) throws BlockException {
        if (!Chain.described(source)) {
            throw new BlockException(Errno.EINVAL, source + " has no snapshots; --from needs a"
                    + " DiskDescriptor.xml");
        }
        DiskDescriptor descriptor = DiskDescriptor.read(Path.of(source));
        List<String> chain = descriptor.chain(guid == null ? descriptor.top() : guid).stream()
                .map(DiskDescriptor.Image::guid).toList();
        int level = chain.indexOf(since);
        if (level < 0 || level == chain.size() - 1) {
            throw new BlockException(Errno.ENOENT, "the snapshot " + since + " is not below what is"
                    + " sent; " + (chain.size() == 1 ? "nothing is, so send without --from"
                    : "name one of " + String.join(", ", chain.subList(0, chain.size() - 1))));
        }
        return level;
    }

    /** The same for the same files, as long as nobody writes to them. */
    private UUID id(OpenChain chain, String state, String since) throws BlockException {
        StringBuilder text = new StringBuilder(state).append(since);
        try {
            for (Lower file : chain.files) {
                Path path = Path.of(file.path());
                text.append('\n').append(path.toAbsolutePath()).append(' ')
                        .append(file.backing().size()).append(' ')
                        .append(Files.getLastModifiedTime(path));
            }
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, source + " cannot be looked at (" + e
                    + "); name a disk whose files are all there", e);
        }
        return UUID.nameUUIDFromBytes(text.toString().getBytes(StandardCharsets.UTF_8));
    }
}
