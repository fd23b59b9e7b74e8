package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Units;
import dev.sluice.ploop.Chain;
import dev.sluice.ploop.DiskDescriptor;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes image files and looks after them, while no device has them open. */
@Command(name = "image", description = "Makes and looks after images in the ploop format.",
        subcommands = {ImageCreate.class, ImageInfo.class, ImageMap.class, ImageCheck.class,
            ImageConvert.class, ImageList.class, ImageSend.class, ImageReceive.class})
final class ImageCommand implements Runnable {
    private static final String DISK = "an image, or a DiskDescriptor.xml";
    private static final String JSON = "says it in JSON";

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new CommandLine.ParameterException(spec.commandLine(), "image needs a command:"
                + " create, info, map, check, convert, list, snapshot, merge, delete, resize,"
                + " compact, send or receive");
    }

    @Command(name = "snapshot", description = "Keeps the disk as it is now under a GUID: a new"
            + " file on top takes what is written from now on.")
    int snapshot(@Option(names = "--json", description = JSON) boolean json,
            @Option(names = "--guid", paramLabel = "GUID", description = "its name; without it, a"
                    + " new one") String name,
            @Parameters(paramLabel = "DISK", description = DISK) String path)
            throws BlockException {
        String guid = name == null ? DiskDescriptor.newGuid() : DiskDescriptor.guid(name);
        try (RestingDisk disk = RestingDisk.open(path)) {
            disk.message((done, total) -> { }, "snapshot", guid);
        }
        say(json, path, "guid", guid, "the snapshot " + guid + ", in " + Chain.descriptor(path));
        return 0;
    }

    @Command(name = "merge", description = "Merges the last snapshot into what is written.")
    int merge(@Option(names = "--json", description = JSON) boolean json,
            @Parameters(paramLabel = "DESCRIPTOR", description = "a DiskDescriptor.xml") String
                    path) throws BlockException {
        if (!Chain.described(path)) {
            throw new BlockException(Errno.EINVAL, path + " is no DiskDescriptor.xml; name that"
                    + " of the disk, which knows its snapshots");
        }
        DiskDescriptor before = DiskDescriptor.read(Path.of(path));
        String guid = before.shot(before.top()).parent();
        if (guid.equals(DiskDescriptor.NOTHING)) {
            throw new BlockException(Errno.ENOENT, path + " has no snapshot that could be"
                    + " merged; sluice image snapshot makes one");
        }
        return delete(json, path, guid);
    }

    @Command(name = "delete", description = "Removes a snapshot: with its file, or, where another"
            + " stands on it, by a merge into that.")
    int delete(@Option(names = "--json", description = JSON) boolean json,
            @Parameters(paramLabel = "DESCRIPTOR", description = "a DiskDescriptor.xml") String
                    path,
            @Parameters(paramLabel = "GUID") String guid) throws BlockException {
        try (Bar bar = new Bar("merge", !json)) {
            String how = new SnapshotRemoval(path, guid).run(bar);
            bar.close();
            say(json, path, "guid", DiskDescriptor.guid(guid), guid + " is " + how);
        }
        return 0;
    }

    @Command(name = "resize", description = "Makes the disk larger.")
    int resize(@Option(names = "--json", description = JSON) boolean json,
            @Parameters(paramLabel = "DISK", description = DISK) String path,
            @Parameters(paramLabel = "SIZE", description = "of the disk, as 10G") String size)
            throws BlockException {
        long bytes = Units.parseSize("SIZE", size);
        long now;
        try (RestingDisk disk = RestingDisk.open(path);
                Bar bar = new Bar("resize", !json)) {
            disk.set(bar, "size", Long.toString(bytes));
            now = disk.size();
        }
        say(json, path, "virtual-size", now, "a disk of " + now + " bytes");
        return 0;
    }

    @Command(name = "compact", description = "Moves clusters down and gives the end of the file"
            + " back.")
    int compact(@Option(names = "--json", description = JSON) boolean json,
            @Parameters(paramLabel = "DISK", description = DISK) String path)
            throws BlockException {
        try (RestingDisk disk = RestingDisk.open(path);
                Bar bar = new Bar("compact", !json)) {
            disk.message(bar, "compact");
        }
        Path file = Path.of(Chain.disk(path).top());
        long bytes;
        try (OpenFile open = OpenFile.open(file, true)) {
            bytes = open.file.size();
        }
        say(json, path, "file-size", bytes, file + " has " + bytes + " bytes now");
        return 0;
    }

    private void say(boolean json, String path, String key, Object value, String sentence) {
        if (json) {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("filename", path);
            all.put(key, value);
            spec.commandLine().getOut().println(Json.text(all));
        } else {
            spec.commandLine().getOut().println(path + ": " + sentence);
        }
    }
}
