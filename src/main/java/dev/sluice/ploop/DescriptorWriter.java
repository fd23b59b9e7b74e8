package dev.sluice.ploop;

import java.util.List;

/** The text of a DiskDescriptor.xml. */
final class DescriptorWriter {
    private final StringBuilder text = new StringBuilder("<?xml version=\"1.0\"?>\n");
    private int depth;

    private DescriptorWriter() {}

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
