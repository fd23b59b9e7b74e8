package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Memory;
import dev.sluice.block.Errno;
import dev.sluice.ploop.Contents;
import dev.sluice.ploop.Copy;
import dev.sluice.ploop.Header;
import dev.sluice.storage.Backing;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Copies the contents of a disk into a new file of another format, without its zeros. */
@Command(name = "convert", description = {"Copies a disk into a new file of another format.",
    "What is zero takes no storage there."})
final class ImageConvert implements Callable<Integer> {
    /** The formats, as the command line has them. */
    enum Format {
        RAW, PLOOP
    }

    @Spec
    private CommandSpec spec;

    @Option(names = "--from", paramLabel = "FORMAT", description = "raw or ploop; without it, as"
            + " SOURCE looks")
    private Format from;

    @Option(names = "--to", paramLabel = "FORMAT", description = "raw or ploop; without it, the"
            + " other one")
    private Format to;

    @Option(names = "--cluster", paramLabel = "SIZE", defaultValue = "1M",
            description = "of an image that is made (1M)")
    private String cluster;

    @Option(names = "--json", description = "says it in JSON")
    private boolean json;

    @Option(names = "--snapshot", paramLabel = "GUID", description = "of a DiskDescriptor.xml,"
            + " this state of the disk")
    private String snapshot;

    @Parameters(index = "0", paramLabel = "SOURCE", description = "a raw disk, or "
            + OpenChain.MEANING)
    private String source;

    @Parameters(index = "1", paramLabel = "FILE", description = "does not exist yet")
    private Path path;

    @Override
    public Integer call() throws BlockException {
        try (OpenChain in = OpenChain.open(source, snapshot);
                Bar bar = new Bar("convert", !json)) {
            Format source = from != null ? from : looks(in);
            Format made = to != null ? to : source == Format.RAW ? Format.PLOOP : Format.RAW;
            Contents contents = source == Format.RAW ? Contents.raw(in.top().path(),
                    in.top().backing()) : in.stack().contents();
            if (source == Format.PLOOP && in.stack().top().header().dirty()) {
                System.err.println("sluice: " + in.top().path() + " was not closed; it is read as"
                        + " it was left");
            }
            long size = copy(contents, made, bar);
            bar.close();
            say(made, contents.size(), size);
        }
        return 0;
    }

    private static Format looks(OpenChain in) throws BlockException {
        Backing file = in.top().backing();
        if (in.top().raw() || file.size() < Header.BYTES) {
            return Format.RAW;
        }
        Memory first = in.arena.map(Header.BYTES);
        Errno outcome = file.read(0, first, 0, Header.BYTES);
        if (outcome != Errno.OK) {
            throw new BlockException(outcome, in.top().path() + " cannot be read ("
                    + outcome.text() + "); the kernel's log may say what its disk has");
        }
        return Header.looksLikeOne(first.bytes()) ? Format.PLOOP : Format.RAW;
    }

    /** The size of the disk that was made. */
    private long copy(Contents contents, Format made, Bar bar) throws BlockException {
        Header header = made == Format.RAW ? null
                : ImageCreate.header(source + "'s disk", contents.size(), cluster);
        try (NewFile file = new NewFile(path)) {
            try (OpenFile out = OpenFile.open(file.draft(), false)) {
                if (header == null) {
                    Copy.toRaw(contents, path.toString(), out.file, out.arena, bar);
                } else {
                    Copy.toImage(contents, header, path.toString(), out.file, out.arena, bar);
                }
            }
            file.publish();
        }
        return header == null ? contents.size() : header.diskBytes();
    }

    private void say(Format made, long before, long size) {
        PrintWriter out = spec.commandLine().getOut();
        String format = made.name().toLowerCase(java.util.Locale.ROOT);
        if (json) {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("filename", path.toString());
            all.put("format", format);
            all.put("source-size", before);
            all.put("virtual-size", size);
            out.println(Json.text(all));
        } else {
            out.println(path + ": " + format + ", a disk of " + size + " bytes" + (before == size
                    ? "" : ", rounded up from " + before + " to whole clusters"));
        }
    }
}
