package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.ploop.Chain;
import dev.sluice.ploop.DiskDescriptor;
import dev.sluice.ploop.Header;
import dev.sluice.ploop.Receiver;
import dev.sluice.ploop.StreamHeader;
import dev.sluice.ploop.StreamIn;
import dev.sluice.sys.Arena;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes an image of a stream, or adds one to a DiskDescriptor.xml. */
@Command(name = "receive", description = {"Makes an image of what image send sends, from standard"
        + " input.", "It has its name when all of it has come and is durable."})
final class ImageReceive implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--resume", description = "goes on with a transfer that was interrupted")
    private boolean resume;

    @Option(names = "--token", description = "says where it was interrupted, for image send"
            + " --resume, and receives nothing")
    private boolean token;

    @Option(names = "--json", description = "says it in JSON")
    private boolean json;

    @Parameters(index = "0", paramLabel = "FILE", description = "does not exist yet; or a"
            + " DiskDescriptor.xml, which gets the image as a state of its disk")
    private Path path;

    @Override
    public Integer call() throws BlockException {
        PrintWriter out = spec.commandLine().getOut();
        if (token) {
            out.println(Transfer.of(path).token());
            return 0;
        }
        try (FileInputStream in = new FileInputStream(FileDescriptor.in)) {
            StreamHeader got = receive(in.getChannel());
            if (json) {
                Map<String, Object> all = new LinkedHashMap<>();
                all.put("filename", path.toString());
                all.put("snapshot", got.state());
                all.put("from", got.incremental() ? got.from() : null);
                all.put("virtual-size", got.diskBytes());
                all.put("cluster-size", got.clusterBytes());
                out.println(Json.text(all));
            } else {
                out.println(path + ": " + (got.incremental() ? "what changed since " + got.from()
                        + " up to " : "all of ") + got.state() + ", a disk of "
                        + got.diskBytes() + " bytes");
            }
        } catch (BlockException e) {
            throw e;
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "standard input cannot be read (" + e
                    + "); send again", e);
        }
        return 0;
    }

    StreamHeader receive(ReadableByteChannel in) throws BlockException {
        try (Arena arena = new Arena()) {
            Memory buffer = arena.map(Limits.MAX_DATA);
            StreamIn stream = new StreamIn(in, buffer);
            StreamHeader header = stream.header();
            Transfer old = resume ? Transfer.of(path) : null;
            if (old != null) {
                old.check(path, header);
            }
            if (old != null && NewFile.isPublished(whole(header), Transfer.part(path))) {
                // It ended when all but its own traces was done.
                stream.drain();
                NewFile.remove(Transfer.part(path));
                Transfer.forget(path);
                return header;
            }
            Path file = path;
            if (Chain.described(path.toString())) {
                try (OpenFile top = top(header)) {
                    file = path.toAbsolutePath().resolveSibling(described(header)
                            .image(header.state()).file());
                }
            }
            if (old == null && Files.exists(Transfer.part(path))) {
                throw new BlockException(Errno.EEXIST, "a transfer to " + path + " was interrupted;"
                        + " go on with --resume, or delete " + Transfer.part(path));
            } else if (old == null) {
                // Of a file that is gone it would be taken for one of this.
                Transfer.forget(path);
            }
            if (!file.equals(path) && old != null) {
                // It is not in the descriptor: nobody was told of it.
                NewFile.withdraw(file, Transfer.part(path));
            }
            try (NewFile made = new NewFile(file, Transfer.part(path))) {
                take(made.draft(), stream, buffer, old);
                publish(made, header);
            }
            Transfer.forget(path);
            return header;
        }
    }

    /** Where the image is when it is there and was told of; null while nobody was. */
    private Path whole(StreamHeader header) throws BlockException {
        if (!Chain.described(path.toString())) {
            return path;
        }
        if (!Files.exists(path)) {
            return null;
        }
        DiskDescriptor has = DiskDescriptor.read(path);
        return has.images().stream().filter(image -> image.guid().equals(header.state()))
                .map(image -> path.toAbsolutePath().resolveSibling(image.file())).findFirst()
                .orElse(null);
    }

    private void publish(NewFile made, StreamHeader header) throws BlockException {
        if (!Chain.described(path.toString())) {
            made.publish();
            return;
        }
        try (OpenFile top = top(header)) {
            // It may have become another one while the stream came.
            DiskDescriptor next = described(header);
            made.publish(() -> next.write(path));
        }
    }

    /** The file of the disk that is written, locked: who writes to it may change the descriptor. */
    private OpenFile top(StreamHeader header) throws BlockException {
        if (!header.incremental()) {
            return null;
        }
        DiskDescriptor has = DiskDescriptor.read(path);
        return OpenFile.open(path.toAbsolutePath().resolveSibling(has.image(has.top()).file()),
                true);
    }

    private void take(Path draft, StreamIn stream, Memory buffer, Transfer old)
            throws BlockException {
        StreamHeader header = stream.header();
        try (OpenFile file = OpenFile.open(draft, false);
                Bar bar = new Bar("receive", !json)) {
            Receiver.Kept kept = position -> new Transfer(header.id(), position).keep(path);
            try (Receiver receiver = old == null
                    ? Receiver.begin(path.toString(), file.file, file.arena, header,
                            OpenFile::warn, kept)
                    : Receiver.resume(path.toString(), file.file, file.arena, header,
                            old.position(), OpenFile::warn, kept)) {
                receiver.take(stream, buffer, bar);
            }
        } catch (BlockException e) {
            if (!Files.exists(draft) || e.errno() == Errno.ENOENT) {
                throw e;
            }
            throw new BlockException(e.errno(), e.getMessage() + ". " + path + " is not there yet;"
                    + " to go on: sluice image send --resume " + token() + " SOURCE | sluice image"
                    + " receive --resume " + path, e);
        }
    }

    private String token() {
        try {
            return Transfer.of(path).token();
        } catch (BlockException e) {
            return "TOKEN";
        }
    }

    /** The descriptor as it is to be: with the state that comes. */
    private DiskDescriptor described(StreamHeader header) throws BlockException {
        long sectors = header.diskBytes() / Header.SECTOR;
        long clusterSectors = header.clusterBytes() / Header.SECTOR;
        if (!header.incremental()) {
            if (Files.exists(path)) {
                throw new BlockException(Errno.EEXIST, path + " exists, and the stream brings all"
                        + " of a disk; name a file that does not, or send with --from");
            }
            return new DiskDescriptor(DiskDescriptor.ROOT, sectors, clusterSectors,
                    Math.max(1, sectors / 16 / 32), 16, 32,
                    List.of(new DiskDescriptor.Image(header.state(), false, "root.hds")),
                    header.state(), List.of(new DiskDescriptor.Shot(header.state(),
                    DiskDescriptor.NOTHING, null)));
        }
        DiskDescriptor has = DiskDescriptor.read(path);
        has.shot(header.from());
        if (has.clusterSectors() != clusterSectors || has.sectors() > sectors) {
            throw new BlockException(Errno.EINVAL, path + " is of a disk of " + has.sectors()
                    + " sectors in clusters of " + has.clusterSectors() + ", the stream of "
                    + sectors + " in " + clusterSectors + "; receive it into another folder");
        }
        if (has.shots().stream().anyMatch(shot -> shot.guid().equals(header.state()))) {
            throw new BlockException(Errno.EEXIST, path + " has " + header.state() + " already;"
                    + " delete it first, or send a snapshot of its own");
        }
        List<DiskDescriptor.Image> images = new ArrayList<>(has.images());
        images.add(new DiskDescriptor.Image(header.state(), false, "root.hds."
                + header.state()));
        List<DiskDescriptor.Shot> shots = new ArrayList<>(has.shots());
        shots.add(new DiskDescriptor.Shot(header.state(), header.from(), null));
        DiskDescriptor sized = has.sized(sectors);
        return new DiskDescriptor(has.root(), sectors, clusterSectors, sized.cylinders(),
                sized.heads(), sized.trackSectors(), images, header.state(), shots);
    }
}
