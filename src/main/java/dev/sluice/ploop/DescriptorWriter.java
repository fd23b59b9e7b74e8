package dev.sluice.ploop;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/** Stores a DiskDescriptor.xml. */
final class DescriptorWriter {
    private final StringBuilder text = new StringBuilder("<?xml version=\"1.0\"?>\n");
    private int depth;

    private DescriptorWriter() {}

    /** Another file is made beside it, is durable, and then takes its name. */
    static void write(DiskDescriptor descriptor, Path to) throws IOException {
        Path file = Files.exists(to) ? to.toRealPath() : to.toAbsolutePath();
        Path folder = file.getParent();
        Path next = Files.createTempFile(folder, "." + file.getFileName(), ".new");
        try {
            Files.setPosixFilePermissions(next, Files.exists(file)
                    ? Files.getPosixFilePermissions(file)
                    : PosixFilePermissions.fromString("rw-r--r--"));
            ByteBuffer bytes = ByteBuffer.wrap(text(descriptor).getBytes(StandardCharsets.UTF_8));
            try (FileChannel channel = FileChannel.open(next, StandardOpenOption.WRITE)) {
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(next);
        }
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    static String text(DiskDescriptor descriptor) {
        DescriptorWriter writer = new DescriptorWriter();
        writer.all(descriptor);
        return writer.text.toString();
    }

    private void all(DiskDescriptor d) {
        // The format's description wants a version there.
        begin(d.root().equals(DiskDescriptor.PARALLELS_ROOT) ? d.root() + " Version=\"1.0\""
                : d.root());
        begin("Disk_Parameters");
        value("Disk_size", d.sectors());
        value("Cylinders", d.cylinders());
        value("Heads", d.heads());
        value("Sectors", d.trackSectors());
        value("Padding", 0);
        end("Disk_Parameters");
        begin("StorageData");
        begin("Storage");
        value("Start", 0);
        value("End", d.sectors());
        value("Blocksize", d.clusterSectors());
        value("Preallocated", 0);
        for (DiskDescriptor.Image image : d.images()) {
            begin("Image");
            value("GUID", image.guid());
            value("Type", image.plain() ? "Plain" : "Compressed");
            value("File", image.file());
            end("Image");
        }
        end("Storage");
        end("StorageData");
        begin("Snapshots");
        value("TopGUID", d.top());
        for (DiskDescriptor.Shot shot : d.shots()) {
            begin("Shot");
            value("GUID", shot.guid());
            value("ParentGUID", shot.parent());
            if (shot.temporary() != null) {
                line("<" + shot.temporary() + "/>");
            }
            end("Shot");
        }
        end("Snapshots");
        end(d.root());
    }

    private void line(String what) {
        text.append("  ".repeat(depth)).append(what).append('\n');
    }

    private void begin(String name) {
        line("<" + name + ">");
        depth++;
    }

    private void end(String name) {
        depth--;
        line("</" + name + ">");
    }

    private void value(String name, Object value) {
        line("<" + name + ">" + escaped(value.toString()) + "</" + name + ">");
    }

    private static String escaped(String value) {
        String escaped = value;
        for (List<String> pair : List.of(List.of("&", "&amp;"), List.of("<", "&lt;"),
                List.of(">", "&gt;"))) {
            escaped = escaped.replace(pair.get(0), pair.get(1));
        }
        return escaped;
    }
}
